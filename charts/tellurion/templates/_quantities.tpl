{{/* Bytes of a quantity of memory, as Kubernetes writes it: 512Mi, 4Gi, 1.5G. */}}
{{- define "tellurion.bytes" -}}
{{- $unit := regexFind "[a-zA-Z]*$" . }}
{{- $factors := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 }}
{{- mulf (trimSuffix $unit . | float64) (get $factors $unit) | printf "%.0f" }}
{{- end }}
