{{/*
Everything that runs in pods of ours behind one gRPC or HTTP port: the gateway, services and their workers.

A map by name. Of each:
  image     the service whose image it is
  command   what it runs
  port      name of the port that it listens on: grpc or http
  serves    whether others call it
  pod       its values: the defaults, and what differs
  settings  TELLURION_* without the prefix
  keys      of the Secret of identity: what it is given
  database, redis  whether it uses them
*/}}
{{- define "tellurion.components" -}}
{{- $root := . }}
{{- $values := .Values }}
{{- $name := include "tellurion.fullname" . }}
{{- $addresses := dict }}
{{- range $service, $entry := $values.services }}
{{- if $entry.enabled }}
{{- $_ := set $addresses (printf "%s_ADDRESS" (upper $service)) (printf "%s-%s:50051" $name $service) }}
{{- end }}
{{- end }}
{{- $serving := include "tellurion.servingAddresses" . | fromYaml }}
{{- $database := printf "postgresql://%s@%s:%v/%s?sslmode=%s" $values.database.user (include "tellurion.databaseHost" .) $values.database.port $values.database.name (include "tellurion.sslMode" .) }}
{{- $components := dict }}
{{- range $service, $entry := $values.services }}
{{- if $entry.enabled }}
{{- $agent := eq $service "agent" }}
{{- $settings := dict "LISTEN" "0.0.0.0:50051" "TOKEN_PUBLIC_KEYS" "/etc/tellurion/identity/token.pub" }}
{{- $keys := list "token.pub" }}
{{- if $agent }}
{{- $keys = append $keys "token.key" }}
{{- $settings = merge $settings (omit $addresses "AGENT_ADDRESS") (dict "TOKEN_PRIVATE_KEY" "/etc/tellurion/identity/token.key") (include "tellurion.sandboxSettings" $root | fromYaml) }}
{{- end }}
{{- if hasKey $serving $service }}
{{- $settings = merge $settings (dict "SERVING" (printf "grpc://%s" (get $serving $service)) "SERVING_TENSORS" "/var/lib/tellurion/tensors") }}
{{- end }}
{{- $long := hasKey $entry "worker" }}
{{- if $long }}
{{- $_ := set $settings "JOBS_DATABASE" $database }}
{{- end }}
{{- $pod := mergeOverwrite (deepCopy $values.defaults) (omit $entry "worker" "models" "enabled") }}
{{- $_ := set $components $service (dict "image" $service "command" (list "python" "-m" (printf "tellurion_%s" $service)) "port" "grpc" "serves" true "pod" $pod "settings" $settings "keys" $keys "database" $long "redis" $long "service" $service) }}
{{- if $long }}
{{- $pod := mergeOverwrite (omit (deepCopy $values.defaults) "autoscaling") (deepCopy $values.workerDefaults) (pick $entry "settings" "extraEnv" "extraVolumes" "extraVolumeMounts") $entry.worker }}
{{- $own := merge (dict "JOBS_CONCURRENCY" (toString $pod.jobs) "JOBS_MEMORY_MIB" (toString $pod.jobMemoryMiB)) $settings }}
{{- $_ := set $components (printf "%s-worker" $service) (dict "image" $service "command" (list "python" "-m" "tellurion_core.jobs.main") "port" "grpc" "serves" false "pod" $pod "settings" $own "keys" $keys "database" true "redis" true "service" $service) }}
{{- end }}
{{- end }}
{{- end }}
{{- $settings := merge (dict "LISTEN" "0.0.0.0:8080" "JOBS_DATABASE" $database "API_KEY_PEPPER" "/etc/tellurion/identity/pepper" "TOKEN_PRIVATE_KEY" "/etc/tellurion/identity/token.key") $addresses }}
{{- with $values.identity.oidc }}
{{- if .issuer }}
{{- $settings = merge $settings (dict "OIDC_ISSUER" .issuer "OIDC_AUDIENCE" .audience "OIDC_JWKS_URL" .jwksUrl "OIDC_TENANT_CLAIM" .tenantClaim "OIDC_ROLE_CLAIM" .roleClaim) }}
{{- end }}
{{- end }}
{{- if $values.gateway.tls }}
{{- $settings = merge $settings (dict "TLS_CERTIFICATE" "/etc/tellurion/tls/tls.crt" "TLS_KEY" "/etc/tellurion/tls/tls.key") }}
{{- end }}
{{- $pod := mergeOverwrite (deepCopy $values.defaults) (omit $values.gateway "service" "tls" "ingress" "route") }}
{{- $_ := set $components "gateway" (dict "image" "gateway" "command" (list "python" "-m" "tellurion_gateway") "port" "http" "serves" true "pod" $pod "settings" $settings "keys" (list "pepper" "token.key") "database" true "redis" true "service" "gateway") }}
{{- toYaml $components }}
{{- end }}

{{- define "tellurion.databaseHost" -}}
{{- .Values.database.trial.enabled | ternary (printf "%s-postgresql" (include "tellurion.fullname" .)) .Values.database.host }}
{{- end }}

{{- define "tellurion.sslMode" -}}
{{- .Values.database.trial.enabled | ternary "disable" .Values.database.sslMode }}
{{- end }}

{{- define "tellurion.redisHost" -}}
{{- .Values.redis.enabled | ternary (printf "%s-redis" (include "tellurion.fullname" .)) .Values.redis.host }}
{{- end }}

{{- define "tellurion.redisUrl" -}}
{{- printf "%s://:$(REDIS_PASSWORD)@%s:%v/0" (.Values.redis.tls | ternary "rediss" "redis") (include "tellurion.redisHost" .) .Values.redis.port }}
{{- end }}

{{/* Inference server, host:port, by the service whose models it runs; services that are not here run them themselves. */}}
{{- define "tellurion.servingAddresses" -}}
{{- $root := . }}
{{- $name := include "tellurion.fullname" . }}
{{- $addresses := dict }}
{{- range $service, $entry := .Values.services }}
{{- if and $entry.enabled $entry.models }}
{{- if eq $root.Values.serving.mode "ray" }}
{{- $_ := set $addresses $service (printf "%s-%s-inference:8001" $name $service) }}
{{- else if eq $root.Values.serving.mode "triton" }}
{{- $_ := set $addresses $service (printf "%s-triton:8001" $name) }}
{{- else if eq $root.Values.serving.mode "external" }}
{{- $_ := set $addresses $service $root.Values.serving.address }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $addresses }}
{{- end }}

{{- define "tellurion.sandboxSettings" -}}
{{- with .Values.sandbox }}
{{- if eq .mode "kubernetes" }}
AGENT_SANDBOX: kubernetes
{{- with $.Values.image.pullSecrets }}
AGENT_KUBERNETES_PULL_SECRETS: {{ range $index, $secret := . }}{{ gt $index 0 | ternary "," "" }}{{ $secret.name }}{{ end }}
{{- end }}
AGENT_KUBERNETES_IMAGE: {{ include "tellurion.image" (list $ "agent" false) }}
AGENT_KUBERNETES_CLAIMS: {{ .claim }}=/var/lib/tellurion
AGENT_KUBERNETES_NAMESPACE: {{ .namespace }}
AGENT_KUBERNETES_CPUS: {{ .cpus | quote }}
{{- with .runtimeClassName }}
AGENT_KUBERNETES_RUNTIME_CLASS: {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* All settings of a component, as variables: (list root component). */}}
{{- define "tellurion.settings" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $shared := dict "STATE" "/var/lib/tellurion" "METRICS_ADDRESS" "0.0.0.0:9090" "LOG_LEVEL" $root.Values.logLevel "DRAIN_SECONDS" "5" }}
{{- with $root.Values.tracing.endpoint }}
{{- $_ := set $shared "OTLP_ENDPOINT" . }}
{{- end }}
{{- range $setting, $value := merge (dict) $component.pod.settings $component.settings $shared }}
TELLURION_{{ $setting }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* Names of all that have an account and a policy, as a JSON list. */}}
{{- define "tellurion.accounts" -}}
{{- $accounts := keys (include "tellurion.components" . | fromYaml) }}
{{- if .Values.migration.enabled }}{{ $accounts = append $accounts "migration" }}{{ end }}
{{- if .Values.database.trial.enabled }}{{ $accounts = append $accounts "postgresql" }}{{ end }}
{{- if .Values.redis.enabled }}{{ $accounts = append $accounts "redis" }}{{ end }}
{{- if .Values.backup.enabled }}{{ $accounts = append $accounts "backup" }}{{ end }}
{{- if .Values.tests.enabled }}{{ $accounts = append $accounts "test" }}{{ end }}
{{- if eq .Values.serving.mode "triton" }}{{ $accounts = append $accounts "triton" }}{{ end }}
{{- if eq .Values.serving.mode "ray" }}
{{- range $service := keys (include "tellurion.servingAddresses" . | fromYaml) }}
{{- $accounts = append $accounts (printf "%s-ray" $service) }}
{{- end }}
{{- end }}
{{- sortAlpha $accounts | toJson }}
{{- end }}
