{{/* The settings of all processes on a service's Ray cluster: (list root service). */}}
{{- define "tellurion.raySettings" -}}
{{- $root := index . 0 }}
{{- $service := index . 1 }}
{{- $ray := $root.Values.serving.ray }}
{{- $scalings := dict }}
{{- range $model := (get $root.Values.services $service).models }}
{{- with get $ray.models $model }}{{ $_ := set $scalings $model . }}{{ end }}
{{- end }}
RAY_USAGE_STATS_ENABLED: "0"
TELLURION_LISTEN: 0.0.0.0:8001
TELLURION_LOG_LEVEL: {{ $root.Values.logLevel }}
TELLURION_METRICS_ADDRESS: 0.0.0.0:9090
{{- with $root.Values.tracing.endpoint }}
TELLURION_OTLP_ENDPOINT: {{ . }}
{{- end }}
TELLURION_RAY_FRONTS: {{ $ray.fronts | quote }}
TELLURION_RAY_MODELS: {{ $scalings | toJson | quote }}
TELLURION_RAY_SCALING: {{ $ray.scaling | toJson | quote }}
TELLURION_RAY_SERVICES: {{ list $service | toJson | quote }}
TELLURION_RAY_TENSORS: /var/lib/tellurion/tensors
TELLURION_STATE: /var/lib/tellurion
{{- end }}

{{/* A pod of a Ray cluster: (list root service pod head). KubeRay adds what starts Ray. */}}
{{- define "tellurion.rayPod" -}}
{{- $root := index . 0 }}
{{- $service := index . 1 }}
{{- $pod := index . 2 }}
{{- $head := index . 3 }}
{{- $name := printf "%s-ray" $service -}}
metadata:
  labels:
    {{- include "tellurion.podLabels" (list $root $name) | nindent 4 }}
    tellurion.io/metrics: "true"
    {{- if $head }}
    tellurion.io/ray: head
    {{- end }}
    {{- with $pod.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/settings: {{ include "tellurion.raySettings" (list $root $service) | sha256sum }}
    {{- with $pod.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "tellurion.podHead" (list $root $name (and $head $root.Values.serving.ray.autoscaler.enabled)) | nindent 2 }}
  securityContext: {{- include "tellurion.podSecurityContext" . | nindent 4 }}
  {{- with include "tellurion.placement" (list $root $pod "interactive") }}
  {{- . | nindent 2 }}
  {{- end }}
  topologySpreadConstraints: {{- include "tellurion.spread" (list $root $name) | nindent 4 }}
  # Longer than a front drains and stops.
  terminationGracePeriodSeconds: 60
  containers:
    - name: {{ $head | ternary "ray-head" "ray-worker" }}
      image: {{ include "tellurion.image" (list $root $service (gt (int $pod.gpus) 0)) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      securityContext: {{- include "tellurion.containerSecurityContext" . | nindent 8 }}
      envFrom:
        - configMapRef: {name: {{ include "tellurion.fullname" $root }}-{{ $name }}}
      env:
        - {name: HOME, value: /tmp}
        {{- include "tellurion.addedEnvironment" (list $root $pod) | nindent 8 }}
      ports:
        {{- if $head }}
        - {name: gcs-server, containerPort: 6379}
        - {name: dashboard, containerPort: 8265}
        - {name: client, containerPort: 10001}
        # KubeRay adds a port of this name and number where there is none of this name.
        - {name: metrics, containerPort: 8080}
        {{- else }}
        - {name: inference, containerPort: 8001}
        - {name: metrics, containerPort: 9090}
        - {name: serve, containerPort: 8000}
        - {name: ray-metrics, containerPort: 8080}
        {{- end }}
      # The raylet's own health, by its agent; KubeRay's probes would need wget in the image.
      startupProbe:
        httpGet: {path: /api/local_raylet_healthz, port: 52365}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: {{ include "tellurion.startFailures" $pod }}
      livenessProbe:
        httpGet: {path: /api/local_raylet_healthz, port: 52365}
        periodSeconds: 15
        timeoutSeconds: 5
        failureThreshold: 8
      readinessProbe:
        {{- if $head }}
        httpGet: {path: /api/gcs_healthz, port: dashboard}
        {{- else }}
        # Serve's proxy, which answers where there are replicas.
        httpGet: {path: /-/healthz, port: serve}
        {{- end }}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 3
      resources: {{- include "tellurion.resources" (list $root $pod) | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: shm, mountPath: /dev/shm}
        - {name: state, mountPath: /var/lib/tellurion}
        {{- include "tellurion.addedVolumeMounts" (list $root $pod) | nindent 8 }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: {{ $pod.tmpSize }}}
    - name: shm
      emptyDir: {medium: Memory, sizeLimit: {{ $pod.shmSize }}}
    - name: state
      persistentVolumeClaim: {claimName: {{ include "tellurion.claim" $root }}}
    {{- include "tellurion.addedVolumes" (list $root $pod) | nindent 4 }}
{{- end }}

{{/* Whether a worker group is a service's, of all that have models by default: (list group service). */}}
{{- define "tellurion.groupServes" -}}
{{- $services := (index . 0).services }}
{{- if or (not $services) (has (index . 1) $services) }}true{{ end }}
{{- end }}

{{/* Bytes of shared memory that Ray may take of a pod: by itself it takes more, and then keeps objects on disk. */}}
{{- define "tellurion.objectStore" -}}
{{- mulf 0.9 (include "tellurion.quantity" .shmSize | float64) | int64 }}
{{- end }}

{{/* What Serve runs: an application of each model, and one of the fronts. HTTP is on, for KubeRay asks it for health. */}}
{{- define "tellurion.serveConfig" -}}
proxy_location: EveryNode
http_options: {host: 0.0.0.0, port: 8000}
applications:
  {{- range .models }}
  - name: {{ . }}
    route_prefix: null
    import_path: tellurion_core.ray_serving.declared:model
    args: {name: {{ . }}}
  {{- end }}
  - name: tellurion-fronts
    route_prefix: null
    import_path: tellurion_core.ray_serving.declared:fronts
    args: {node_resource: front}
{{- end }}
