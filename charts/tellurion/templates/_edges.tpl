{{/*
Who may call whom: the edges of the architecture, as a JSON list of {from, to, ports}. Components have their own names;
who is outside of the release has the name that `networkPolicy.peers` gives it.
*/}}
{{- define "tellurion.edges" -}}
{{- $values := .Values }}
{{- $components := include "tellurion.components" . | fromYaml }}
{{- $serving := include "tellurion.servingAddresses" . | fromYaml }}
{{- $grpc := list 50051 }}
{{- $database := list (int $values.database.port) }}
{{- $redis := list (int $values.redis.port) }}
{{- $collector := list (include "tellurion.port" (list $values.tracing.endpoint 4317) | int) }}
{{- $postgresql := $values.database.trial.enabled | ternary "postgresql" "externalDatabase" }}
{{- $redisServer := $values.redis.enabled | ternary "redis" "externalRedis" }}
{{- $edges := list (dict "from" "clients" "to" "gateway" "ports" (list 8080)) }}
{{- if $values.identity.oidc.issuer }}
{{- $edges = append $edges (dict "from" "gateway" "to" "identityProvider" "ports" (list (include "tellurion.port" (list $values.identity.oidc.jwksUrl 443) | int))) }}
{{- end }}
{{- range $name, $component := $components }}
{{- $edges = append $edges (dict "from" "prometheus" "to" $name "ports" (list 9090)) }}
{{- if and $component.serves (ne $name "gateway") }}
{{- $edges = append $edges (dict "from" "gateway" "to" $name "ports" $grpc) }}
{{- if $values.tests.enabled }}
{{- $edges = append $edges (dict "from" "test" "to" $name "ports" $grpc) }}
{{- end }}
{{- if and $values.gateway.route.enabled $values.gateway.route.grpcDomain }}
{{- $edges = append $edges (dict "from" "clients" "to" $name "ports" $grpc) }}
{{- end }}
{{- end }}
{{- if eq $component.service "agent" }}
{{- range $other, $called := $components }}
{{- if and $called.serves (not (has $other (list "agent" "gateway"))) }}
{{- $edges = append $edges (dict "from" $name "to" $other "ports" $grpc) }}
{{- end }}
{{- end }}
{{- end }}
{{- if has $component.service (list "agent" "benchmark") }}
{{- $edges = append $edges (dict "from" $name "to" "endpoints" "ports" $values.networkPolicy.endpointPorts) }}
{{- end }}
{{- if $component.database }}
{{- $edges = append $edges (dict "from" $name "to" $postgresql "ports" $database) }}
{{- end }}
{{- if $component.redis }}
{{- $edges = append $edges (dict "from" $name "to" $redisServer "ports" $redis) }}
{{- end }}
{{- if $values.tracing.endpoint }}
{{- $edges = append $edges (dict "from" $name "to" "collector" "ports" $collector) }}
{{- end }}
{{- if hasKey $serving $component.service }}
{{- $port := get $serving $component.service | splitList ":" | last | int }}
{{- $server := dict "ray" (printf "%s-ray" $component.service) "triton" "triton" "external" "externalServing" }}
{{- $edges = append $edges (dict "from" $name "to" (get $server $values.serving.mode) "ports" (list $port)) }}
{{- end }}
{{- end }}
{{- if eq $values.sandbox.mode "kubernetes" }}
{{- $edges = append $edges (dict "from" "agent-worker" "to" "kubernetesApi" "ports" (list 443 6443)) }}
{{- end }}
{{- if $values.tests.enabled }}
{{- $edges = append $edges (dict "from" "test" "to" "gateway" "ports" (list 8080)) }}
{{- $edges = append $edges (dict "from" "test" "to" $postgresql "ports" $database) }}
{{- end }}
{{- if $values.migration.enabled }}
{{- $edges = append $edges (dict "from" "migration" "to" $postgresql "ports" $database) }}
{{- end }}
{{- if $values.backup.enabled }}
{{- $edges = append $edges (dict "from" "backup" "to" $postgresql "ports" $database) }}
{{- end }}
{{- if and $values.database.trial.enabled (include "tellurion.kedaUsed" .) }}
{{- $edges = append $edges (dict "from" "keda" "to" "postgresql" "ports" $database) }}
{{- end }}
{{- if eq $values.serving.mode "triton" }}
{{- $edges = append $edges (dict "from" "prometheus" "to" "triton" "ports" (list 8002)) }}
{{- end }}
{{- if eq $values.serving.mode "ray" }}
{{- range $service := keys $serving | sortAlpha }}
{{- $ray := printf "%s-ray" $service }}
{{- $edges = append $edges (dict "from" $ray "to" $ray "ports" list) }}
{{- $edges = append $edges (dict "from" $ray "to" $redisServer "ports" $redis) }}
{{- $edges = append $edges (dict "from" "kuberay" "to" $ray "ports" (list 8265)) }}
{{- $edges = append $edges (dict "from" "prometheus" "to" $ray "ports" (list 8080 9090)) }}
{{- if $values.tracing.endpoint }}
{{- $edges = append $edges (dict "from" $ray "to" "collector" "ports" $collector) }}
{{- end }}
{{- end }}
{{- end }}
{{- /* An empty list of peers is nobody; in a rule it would be everybody. */}}
{{- $nobody := list }}
{{- range $peer, $who := $values.networkPolicy.peers }}
{{- if not $who }}{{ $nobody = append $nobody $peer }}{{ end }}
{{- end }}
{{- $possible := list }}
{{- range $edges }}
{{- if not (or (has .from $nobody) (has .to $nobody)) }}{{ $possible = append $possible . }}{{ end }}
{{- end }}
{{- toJson $possible }}
{{- end }}

{{/* Port of a URL: (list url default). */}}
{{- define "tellurion.port" -}}
{{- (urlParse (index . 0)).host | regexFind ":[0-9]+$" | trimPrefix ":" | default (index . 1) }}
{{- end }}

{{- define "tellurion.kedaUsed" -}}
{{- range $name, $component := include "tellurion.components" . | fromYaml }}
{{- if and $component.pod.autoscaling.enabled (not $component.serves) }}yes{{ end }}
{{- end }}
{{- end }}

{{/* One rule of a policy: (list root direction peer ports). Without ports, all. */}}
{{- define "tellurion.rule" -}}
{{- $root := index . 0 }}
{{- $peer := index . 2 -}}
- {{ index . 1 }}:
    {{- if hasKey $root.Values.networkPolicy.peers $peer }}
    {{- toYaml (get $root.Values.networkPolicy.peers $peer) | nindent 4 }}
    {{- else }}
    - podSelector:
        matchLabels: {{- include "tellurion.selector" (list $root $peer) | nindent 10 }}
    {{- end }}
  {{- with index . 3 }}
  ports:
    {{- range . }}
    - {protocol: TCP, port: {{ int . }}}
    {{- end }}
  {{- end }}
{{- end }}
