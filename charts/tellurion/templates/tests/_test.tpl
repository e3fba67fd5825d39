{{/* A pod of `helm test`: (list root script weight arguments). One that makes a key has what that takes. */}}
{{- define "tellurion.testPod" -}}
{{- $root := index . 0 }}
{{- $key := eq (index . 1) "reconstruct" }}
{{- $gateway := printf "%s-gateway:%v" (include "tellurion.fullname" $root) $root.Values.gateway.service.port -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "tellurion.fullname" $root }}-test-{{ index . 1 }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "tellurion.labels" (list $root "test") | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: {{ index . 2 | quote }}
    # It stays until the next, for `helm test --logs` reads what it said after it has ended.
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- include "tellurion.podHead" (list $root "test") | nindent 2 }}
  restartPolicy: Never
  activeDeadlineSeconds: {{ $root.Values.tests.seconds }}
  securityContext: {{- include "tellurion.podSecurityContext" . | nindent 4 }}
  containers:
    - name: {{ index . 1 }}
      image: {{ include "tellurion.image" (list $root "gateway" false) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command:
        - python
        - /scripts/{{ index . 1 }}.py
        - {{ $root.Values.gateway.tls | ternary "https" "http" }}://{{ $gateway }}
        {{- range index . 3 }}
        - {{ . }}
        {{- end }}
      securityContext: {{- include "tellurion.containerSecurityContext" . | nindent 8 }}
      env:
        - {name: HOME, value: /tmp}
        # A little less than the pod has, so that it says what was not ready.
        - {name: TELLURION_TEST_SECONDS, value: {{ sub $root.Values.tests.seconds 20 | quote }}}
        {{- if $key }}
        - {name: GATEWAY_CERTIFICATE, value: /etc/tellurion/tls/tls.crt}
        - {name: TELLURION_API_KEY_PEPPER, value: /etc/tellurion/identity/pepper}
        - name: TELLURION_JOBS_DATABASE
          value: {{ (include "tellurion.components" $root | fromYaml).gateway.settings.JOBS_DATABASE | quote }}
        - name: PGPASSWORD
          valueFrom: {secretKeyRef: {name: {{ $root.Values.database.existingSecret }}, key: password}}
        {{- end }}
        {{- include "tellurion.addedEnvironment" (list $root $root.Values.defaults) | nindent 8 }}
      resources: {{- include "tellurion.errandResources" $root | nindent 8 }}
      volumeMounts:
        - {name: scripts, mountPath: /scripts, readOnly: true}
        {{- if $key }}
        - {name: identity, mountPath: /etc/tellurion/identity, readOnly: true}
        {{- end }}
        - {name: tmp, mountPath: /tmp}
        {{- if and $key $root.Values.gateway.tls }}
        - {name: tls, mountPath: /etc/tellurion/tls, readOnly: true}
        {{- end }}
        {{- include "tellurion.addedVolumeMounts" (list $root $root.Values.defaults) | nindent 8 }}
  volumes:
    - name: scripts
      configMap: {name: {{ include "tellurion.fullname" $root }}-test}
    {{- if $key }}
    - name: identity
      secret: {secretName: {{ $root.Values.identity.existingSecret }}, defaultMode: 0440, items: [{key: pepper, path: pepper}]}
    {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- if and $key $root.Values.gateway.tls }}
    - name: tls
      secret: {secretName: {{ $root.Values.tls.secretName }}, defaultMode: 0440, items: [{key: tls.crt, path: tls.crt}]}
    {{- end }}
    {{- include "tellurion.addedVolumes" (list $root $root.Values.defaults) | nindent 4 }}
{{- end }}
