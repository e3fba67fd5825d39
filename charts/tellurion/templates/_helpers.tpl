{{/* Names, labels and images. */}}

{{- define "tellurion.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Beginning of every name; 30 characters leave room for what follows, and for what operators add. */}}
{{- define "tellurion.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $given := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $given .Values.fullnameOverride | trunc 30 | trimSuffix "-" }}
{{- end }}

{{/* Labels of every object: (list root component). */}}
{{- define "tellurion.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: tellurion
{{ include "tellurion.selector" . }}
{{- end }}

{{/* Labels of pods: (list root component). Without the chart's version, for a new one of it restarts no pod that is the same. */}}
{{- define "tellurion.podLabels" -}}
app.kubernetes.io/part-of: tellurion
{{ include "tellurion.selector" . }}
{{- end }}

{{/* Labels by which the pods of a component are found; they never change: (list root component). */}}
{{- define "tellurion.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "tellurion.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Name, namespace and labels of an object of a component: (list root component). */}}
{{- define "tellurion.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "tellurion.fullname" $root }}-{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels: {{- include "tellurion.labels" . | nindent 2 }}
{{- end }}

{{/* An image of ours: (list root service-or-triton cuda). */}}
{{- define "tellurion.image" -}}
{{- $root := index . 0 }}
{{- $image := $root.Values.image }}
{{- $variant := index . 2 | ternary "-cuda" "" }}
{{- $repository := printf "tellurion-%s" (index . 1) }}
{{- if $image.registry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" $image.registry) $repository }}
{{- end }}
{{- $digest := get $image.digests (printf "%s%s" (index . 1) $variant) }}
{{- if $digest }}
{{- printf "%s@%s" $repository $digest }}
{{- else }}
{{- printf "%s:%s%s" $repository (default $root.Chart.AppVersion $image.tag) $variant }}
{{- end }}
{{- end }}

{{/* An image of others: (list root image). */}}
{{- define "tellurion.foreignImage" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- $repository := printf "%s/%s" (default $image.registry $root.Values.image.mirror | trimSuffix "/") $image.repository }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository $image.tag }}
{{- end }}
{{- end }}

{{/* Name of the claim with the files of all pods. */}}
{{- define "tellurion.claim" -}}
{{- default (printf "%s-state" (include "tellurion.fullname" .)) .Values.storage.existingClaim }}
{{- end }}

{{/* What keeps a claim when the release goes. */}}
{{- define "tellurion.kept" -}}
{{- if .Values.storage.keep }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}

{{/* Whether claims of a StatefulSet outlive it. */}}
{{- define "tellurion.retention" -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ .Values.storage.keep | ternary "Retain" "Delete" }}
  whenScaled: Retain
{{- end }}
