{{/* What every pod of ours is: of no privilege, and of the user that the images have. */}}
{{- define "tellurion.podSecurityContext" -}}
{{ include "tellurion.foreignSecurityContext" 65532 }}
{{- end }}

{{- define "tellurion.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The beginning of every pod's spec: (list root component talks-to-Kubernetes?). */}}
{{- define "tellurion.podHead" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "tellurion.fullname" $root }}-{{ index . 1 }}
automountServiceAccountToken: {{ rest . | rest | has true }}
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How pods are replaced: the new one first; with GPUs the old one first, as there may be no GPU free for a moment. */}}
{{- define "tellurion.strategy" -}}
rollingUpdate: {{ gt (int .gpus) 0 | ternary "{maxUnavailable: 1, maxSurge: 0}" "{maxUnavailable: 0, maxSurge: 1}" }}
{{- end }}

{{/* Pods of a component are on as many nodes as there are: (list root component). */}}
{{- define "tellurion.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "tellurion.selector" . | nindent 6 }}
{{- end }}

{{/* Of pods of ours that do one thing and end. */}}
{{- define "tellurion.errandResources" -}}
requests: {cpu: 100m, memory: 512Mi, ephemeral-storage: 128Mi}
limits: {cpu: "1", memory: 2Gi, ephemeral-storage: 1Gi}
{{- end }}

{{/* Which GPU nodes pods go to, and all that places them: (list root pod default-priority). */}}
{{- define "tellurion.placement" -}}
{{- $root := index . 0 }}
{{- $pod := index . 1 }}
{{- $priority := default ($root.Values.priorityClasses.enabled | ternary (include "tellurion.priorityClass" (list $root (index . 2))) "") $pod.priorityClassName }}
{{- with $priority }}
priorityClassName: {{ . }}
{{- end }}
{{- if $pod.gpus }}
{{- with $root.Values.gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end }}
{{- with $pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $pod.tolerations (gt (int $pod.gpus) 0 | ternary $root.Values.gpu.tolerations list) }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Name of a PriorityClass, which is of the whole cluster: (list root use). */}}
{{- define "tellurion.priorityClass" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s-%s" (include "tellurion.fullname" $root) $root.Release.Namespace (index . 1) }}
{{- end }}

{{/* Requests and limits, GPUs among both: (list root pod). */}}
{{- define "tellurion.resources" -}}
{{- $root := index . 0 }}
{{- $pod := index . 1 }}
{{- $resources := deepCopy $pod.resources }}
{{- if $pod.gpus }}
{{- $gpus := dict $root.Values.gpu.resource (toString $pod.gpus) }}
{{- $resources = mergeOverwrite $resources (dict "requests" $gpus "limits" $gpus) }}
{{- end }}
{{- toYaml $resources }}
{{- end }}

{{/* Variables that hold a secret, or are made with one: (list root component). */}}
{{- define "tellurion.environment" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 -}}
- {name: HOME, value: /tmp}
{{- if $component.database }}
# libpq's own variable: a password in a URL would have to be escaped.
- name: PGPASSWORD
  valueFrom: {secretKeyRef: {name: {{ $root.Values.database.existingSecret }}, key: password}}
{{- end }}
{{- if $component.redis }}
- name: REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $root.Values.redis.existingSecret }}, key: password}}
- name: {{ eq $component.port "http" | ternary "TELLURION_LIMITS_REDIS" "TELLURION_JOBS_BROKER" }}
  value: {{ include "tellurion.redisUrl" $root }}
{{- end }}
{{- include "tellurion.addedEnvironment" (list $root $component.pod) }}
{{- end }}

{{/* Volumes of a pod: (list root component). */}}
{{- define "tellurion.volumes" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 -}}
- name: tmp
  emptyDir: {sizeLimit: {{ $component.pod.tmpSize }}}
- name: shm
  emptyDir: {medium: Memory, sizeLimit: {{ $component.pod.shmSize }}}
- name: state
  persistentVolumeClaim: {claimName: {{ include "tellurion.claim" $root }}}
{{- with $component.keys }}
- name: identity
  secret:
    secretName: {{ $root.Values.identity.existingSecret }}
    defaultMode: 0440
    items:
      {{- range . }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
{{- if and (eq $component.port "http") $root.Values.gateway.tls }}
- name: tls
  secret: {secretName: {{ $root.Values.tls.secretName }}, defaultMode: 0440}
{{- end }}
{{- include "tellurion.addedVolumes" (list $root $component.pod) }}
{{- end }}

{{- define "tellurion.volumeMounts" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 -}}
- {name: tmp, mountPath: /tmp}
- {name: shm, mountPath: /dev/shm}
- {name: state, mountPath: /var/lib/tellurion}
{{- if $component.keys }}
- {name: identity, mountPath: /etc/tellurion/identity, readOnly: true}
{{- end }}
{{- if and (eq $component.port "http") $root.Values.gateway.tls }}
- {name: tls, mountPath: /etc/tellurion/tls, readOnly: true}
{{- end }}
{{- include "tellurion.addedVolumeMounts" (list $root $component.pod) }}
{{- end }}

{{/* Looks, every five seconds, that a pod may take to start: one with GPUs loads more. */}}
{{- define "tellurion.startFailures" -}}
{{- div (mul .startSeconds (gt (int .gpus) 0 | ternary 10 1)) 5 }}
{{- end }}

{{/* Seconds after which a Deployment says that it does not get on: as long as a pod may start, and its image is pulled. */}}
{{- define "tellurion.progressSeconds" -}}
{{- add 600 (mul 5 (include "tellurion.startFailures" .)) }}
{{- end }}

{{/* Probes: (list root component). A service is ready when it says so; it lives as long as it answers. */}}
{{- define "tellurion.probes" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $alive := dict "grpc" (dict "port" 50051) }}
{{- $ready := $alive }}
{{- if eq $component.port "http" }}
{{- $scheme := $root.Values.gateway.tls | ternary "HTTPS" "HTTP" }}
{{- $alive = dict "httpGet" (dict "path" "/healthz" "port" "http" "scheme" $scheme) }}
{{- $ready = dict "httpGet" (dict "path" "/readyz" "port" "http" "scheme" $scheme) }}
{{- end -}}
startupProbe:
  {{- toYaml $alive | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ include "tellurion.startFailures" $component.pod }}
readinessProbe:
  {{- toYaml $ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
livenessProbe:
  {{- toYaml $alive | nindent 2 }}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 4
{{- end }}

{{/* Of a pod with an image of others, whose numeric user is given. */}}
{{- define "tellurion.foreignSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Probes by a command. */}}
{{- define "tellurion.execProbes" -}}
{{- range $probe, $failures := dict "startupProbe" 60 "readinessProbe" 3 "livenessProbe" 6 }}
{{ $probe }}:
  exec:
    command: {{- toYaml $ | nindent 6 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ $failures }}
{{- end }}
{{- end }}

{{/*
Annotations of the migration, by weight. It runs before the release's own objects are brought up to date, under an account
and a policy that come just before it: those of the old version may not know where the new database is.
*/}}
{{- define "tellurion.migrationHook" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
