{{/* Name of a volume, which is of the whole cluster: (list root use). */}}
{{- define "tellurion.volumeName" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s-%s" (include "tellurion.fullname" $root) $root.Release.Namespace (index . 1) }}
{{- end }}

{{/* Of a claim on a volume, or, without one, on a storage class: (list root volume use). */}}
{{- define "tellurion.claimSpec" }}
{{- $root := index . 0 }}
{{- $storage := $root.Values.storage }}
spec:
  accessModes: [{{ $storage.accessMode }}]
  {{- if index . 1 }}
  storageClassName: ""
  volumeName: {{ include "tellurion.volumeName" (list $root (index . 2)) }}
  {{- else if $storage.storageClassName }}
  storageClassName: {{ $storage.storageClassName }}
  {{- end }}
  resources:
    requests: {storage: {{ $storage.size }}}
{{- end }}

{{/* A volume of a source that is there; what is on it stays when it goes: (list root source use). */}}
{{- define "tellurion.volume" }}
{{- $root := index . 0 }}
apiVersion: v1
kind: PersistentVolume
metadata:
  name: {{ include "tellurion.volumeName" (list $root (index . 2)) }}
  labels: {{- include "tellurion.labels" (list $root (index . 2)) | nindent 4 }}
  {{- if eq (index . 2) "state" }}
  {{- include "tellurion.kept" $root | nindent 2 }}
  {{- end }}
spec:
  capacity: {storage: {{ $root.Values.storage.size }}}
  accessModes: [{{ $root.Values.storage.accessMode }}]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ""
  {{- toYaml (index . 1) | nindent 2 }}
{{- end }}
