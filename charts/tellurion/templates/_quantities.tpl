{{/* A quantity as Kubernetes writes it, 500m, 512Mi, 4Gi or 1.5G, as a number. */}}
{{- define "tellurion.quantity" -}}
{{- $unit := regexFind "[a-zA-Z]*$" . }}
{{- $factors := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 }}
{{- mulf (trimSuffix $unit . | float64) (get $factors $unit) | printf "%.3f" }}
{{- end }}

{{/* Refuses requests above limits, which an API server would refuse when half of the release is there: (list where resources). */}}
{{- define "tellurion.checkRequests" -}}
{{- $where := index . 0 }}
{{- $resources := index . 1 }}
{{- range $resource := list "cpu" "memory" "ephemeral-storage" }}
{{- $request := get (default dict $resources.requests) $resource }}
{{- $limit := get (default dict $resources.limits) $resource }}
{{- if and $request $limit (gt (include "tellurion.quantity" $request | float64) (include "tellurion.quantity" $limit | float64)) }}
{{- fail (printf "resources of %s: received a request of %s of %s above the limit of %s; accepted: at most that" $where $request $resource $limit) }}
{{- end }}
{{- end }}
{{- end }}
