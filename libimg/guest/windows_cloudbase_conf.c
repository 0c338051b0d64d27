/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration of cloudbase-init: an INI file whose options are in [DEFAULT].  Hyper-V's compute
 * nodes give a machine its data on a configuration drive, which therefore is asked first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_setting.h"

#define SERVICES "cloudbaseinit.metadata.services."
static const char drive[] = SERVICES "configdrive.ConfigDriveService";
static const char other_services[] = SERVICES "httpservice.HttpService," SERVICES
					      "ec2service.EC2Service," SERVICES
					      "maasservice.MaaSHttpService";

/* Where the installer puts everything on a usual system drive; the file has no variables. */
#define FOLDER "C:\\Program Files\\Cloudbase Solutions\\Cloudbase-Init\\"

int cloudbase_conf_make(
	const struct windows_wishes *w, bool unattend, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e,
		"[DEFAULT]\r\n"
		"username=Admin\r\n"
		"groups=Administrators\r\n"
		"inject_user_password=true\r\n"
		"first_logon_behaviour=no\r\n"
		"bsdtar_path=" FOLDER "bin\\bsdtar.exe\r\n"
		"mtools_path=" FOLDER "bin\\\r\n"
		"local_scripts_path=" FOLDER "LocalScripts\\\r\n"
		"logdir=" FOLDER "log\\\r\n"
		"logfile=cloudbase-init%s.log\r\n"
		"metadata_services=%s,%s\r\n"
		"check_latest_version=false\r\n",
		unattend ? "-unattend" : "", drive, other_services);

	if (!rc && w->rtc)
		rc = buffer_format(out, e, "real_time_clock_utc=%s\r\n",
			strcmp(w->rtc, "utc") ? "false" : "true");
	/* What Setup may wait for: no plugin that needs a user, no restart of its own. */
	if (!rc && unattend)
		rc = buffer_string(out,
			"plugins=cloudbaseinit.plugins.common.mtu.MTUPlugin,"
			"cloudbaseinit.plugins.common.sethostname.SetHostNamePlugin,"
			"cloudbaseinit.plugins.windows.extendvolumes.ExtendVolumesPlugin\r\n"
			"allow_reboot=false\r\n"
			"stop_service_on_exit=false\r\n",
			e);
	return rc;
}

/* "key = value" with that key; *value is in the line. */
static bool is_option(const char *line, size_t len, const char *key, size_t *value)
{
	const size_t size = strlen(key);
	size_t at = size;

	if (len <= size || strncasecmp(line, key, size))
		return false;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	if (at == len || (line[at] != '=' && line[at] != ':'))
		return false;
	at++;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	*value = at;
	return true;
}

/* The services that are there, with that of the configuration drive in front. */
static int services_order(const char *list, size_t len, struct buffer *out, struct error *e)
{
	struct buffer text = { 0 };
	struct strings service = { 0 };
	int rc = buffer_append(&text, list, len, e);

	if (!rc)
		rc = strings_split(&service, buffer_text(&text), ", \t\r\n", e);
	if (!rc)
		rc = buffer_string(out, drive, e);
	for (size_t i = 0; i < service.count && !rc; i++)
		if (strcmp(service.item[i], drive) != 0)
			rc = buffer_format(out, e, ",%s", service.item[i]);
	strings_free(&service);
	buffer_free(&text);
	return rc;
}

struct conf_state {
	bool in_default, has_services, has_clock;
	const char *end_of_line;
};

static int defaults_add(const struct windows_wishes *w, const struct conf_state *s,
	struct buffer *out, struct error *e)
{
	int rc = 0;

	if (!s->has_services)
		rc = buffer_format(
			out, e, "metadata_services=%s,%s%s", drive, other_services, s->end_of_line);
	if (!rc && w->rtc && !s->has_clock)
		rc = buffer_format(out, e, "real_time_clock_utc=%s%s",
			strcmp(w->rtc, "utc") ? "false" : "true", s->end_of_line);
	return rc;
}

/* Whether a line of [DEFAULT] has that option. */
static bool has_option(const char *text, const char *key)
{
	bool in_default = false;

	while (*text) {
		const size_t len = strcspn(text, "\n");
		size_t value;

		if (text[0] == '[')
			in_default = !strncasecmp(text, "[DEFAULT]", 9);
		else if (in_default && is_option(text, len, key, &value))
			return true;
		text += len + (text[len] != 0);
	}
	return false;
}

static int line_edit(const struct windows_wishes *w, struct conf_state *s, const char *line,
	size_t len, struct buffer *out, struct error *e)
{
	const size_t body = len && line[len - 1] == '\r' ? len - 1 : len;
	size_t value;
	int rc;

	if (s->in_default && is_option(line, body, "metadata_services", &value)) {
		rc = buffer_append(out, line, value, e);
		return rc ? rc : services_order(line + value, body - value, out, e);
	}
	if (s->in_default && w->rtc && is_option(line, body, "real_time_clock_utc", &value)) {
		rc = buffer_append(out, line, value, e);
		return rc ? rc : buffer_string(out, strcmp(w->rtc, "utc") ? "false" : "true", e);
	}
	return buffer_append(out, line, body, e);
}

int cloudbase_conf_edit(
	const struct windows_wishes *w, const char *text, struct buffer *out, struct error *e)
{
	struct conf_state s = { .has_services = has_option(text, "metadata_services"),
		.has_clock = has_option(text, "real_time_clock_utc"),
		.end_of_line = strstr(text, "\r\n") ? "\r\n" : "\n" };
	bool added = false;
	int rc = 0;

	for (const char *line = text; *line && !rc;) {
		const size_t len = strcspn(line, "\n");

		rc = line_edit(w, &s, line, len, out, e);
		if (!rc && len && line[len - 1] == '\r')
			rc = buffer_string(out, "\r", e);
		if (!rc && line[len])
			rc = buffer_string(out, "\n", e);
		if (line[0] == '[')
			s.in_default = !strncasecmp(line, "[DEFAULT]", 9);
		if (!rc && s.in_default && !added && line[0] == '[') {
			if (!line[len])
				rc = buffer_string(out, s.end_of_line, e);
			if (!rc)
				rc = defaults_add(w, &s, out, e);
			added = true;
		}
		line += len + (line[len] != 0);
	}
	if (!rc && !added && out->len && out->data[out->len - 1] != '\n')
		rc = buffer_string(out, s.end_of_line, e);
	if (!rc && !added)
		rc = buffer_format(out, e, "[DEFAULT]%s", s.end_of_line);
	return rc || added ? rc : defaults_add(w, &s, out, e);
}
