{{/*
What pods are given beside their own: authorities to trust (values `trust`), and what values add for themselves. Of each:
(list root pod), where a pod that is no component has `defaults`.
*/}}

{{- define "tellurion.addedEnvironment" -}}
{{- $root := index . 0 }}
{{- if $root.Values.trust.existingConfigMap }}
# Each read by what connects: Python's ssl (identity provider, endpoints, Redis), libpq, gRPC (collector).
{{- range $variable := list "SSL_CERT_FILE" "PGSSLROOTCERT" "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" }}
- {name: {{ $variable }}, value: /etc/tellurion/trust/ca.crt}
{{- end }}
{{- end }}
{{- with (index . 1).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tellurion.addedVolumeMounts" -}}
{{- $root := index . 0 }}
{{- if $root.Values.trust.existingConfigMap }}
- {name: trust, mountPath: /etc/tellurion/trust, readOnly: true}
{{- end }}
{{- with (index . 1).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tellurion.addedVolumes" -}}
{{- $root := index . 0 }}
{{- with $root.Values.trust }}
{{- if .existingConfigMap }}
- name: trust
  configMap: {name: {{ .existingConfigMap }}, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}
{{- end }}
{{- with (index . 1).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
