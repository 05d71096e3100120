{{/* The release's name; with the chart's when it does not hold it already. */}}
{{- define "attentiond.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods: never changes. */}}
{{- define "attentiond.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "attentiond.labels" -}}
{{ include "attentiond.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* What the container mounts; empty: nothing. */}}
{{- define "attentiond.mounts" -}}
{{- if ne .Values.models.from "image" }}
- {name: models, mountPath: /models, readOnly: true}
{{- end }}
{{- if .Values.tls.secret }}
- {name: tls, mountPath: /etc/attentiond/tls, readOnly: true}
{{- end }}
{{- if .Values.auth.secret }}
- {name: auth, mountPath: /etc/attentiond/auth, readOnly: true}
{{- end }}
{{- end -}}

{{/* And from where. */}}
{{- define "attentiond.volumes" -}}
{{- if eq .Values.models.from "claim" }}
- name: models
  persistentVolumeClaim: {claimName: {{ .Values.models.claim | quote }}, readOnly: true}
{{- else if eq .Values.models.from "volume" }}
- name: models
  {{- toYaml .Values.models.volume | nindent 2 }}
{{- end }}
{{- with .Values.tls.secret }}
- name: tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with .Values.auth.secret }}
- name: auth
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- end -}}
