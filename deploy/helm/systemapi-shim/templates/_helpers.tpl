{{- define "shim.labels" -}}
app.kubernetes.io/name: systemapi-shim
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "shim.name" -}}
{{- printf "%s-shim" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "shim.judge" -}}
{{- if not .Values.config.backend.url -}}
{{- fail "config.backend.url is required: the address of the v3 system" -}}
{{- end -}}
{{- if not (or .Values.config.store.url .Values.existingSecret) -}}
{{- fail "name a Secret with the key store-url: existingSecret; or set config.store.url" -}}
{{- end -}}
{{- $many := or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}
{{- if and $many (hasPrefix "sqlite" (toString .Values.config.store.url)) -}}
{{- fail "several replicas need PostgreSQL: set config.store.url, or replicaCount: 1" -}}
{{- end -}}
{{- end -}}
{{- define "shim.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config.store.url -}}
{{- $_ := set $config.store "url" (dict "file" "/etc/shim/secrets/store-url") -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
