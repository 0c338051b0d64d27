/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The named options of a Windows guest. */
#include "guest/windows_setting.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t value;
} san_policies[] = { { "online-all", 1 }, { "offline-shared", 2 }, { "offline-all", 3 },
	{ "offline-internal", 4 } };

enum { SAN_POLICIES = sizeof(san_policies) / sizeof(san_policies[0]) };

uint32_t windows_san_policy(const struct windows_wishes *w)
{
	for (size_t i = 0; w->san_policy && i < SAN_POLICIES; i++)
		if (!strcmp(w->san_policy, san_policies[i].name))
			return san_policies[i].value;
	return 0;
}

static bool has_word(const char *list, const char *word)
{
	const size_t size = strlen(word);

	for (const char *at = list; at && *at;) {
		const size_t len = strcspn(at, ",");

		if (len == size && !strncmp(at, word, len))
			return true;
		at += len + (at[len] != 0);
	}
	return false;
}

bool windows_wants_rule(const struct windows_wishes *w, const char *word)
{
	if (has_word(w->firewall, word))
		return true;
	return !strcmp(word, "rdp") && w->rdp && !strcmp(w->rdp, "on");
}

static int choice_check(
	const char *option, const char *value, const char *a, const char *b, struct error *e)
{
	if (!value || !strcmp(value, a) || !strcmp(value, b))
		return 0;
	return error_set(e, ERR_USAGE, "--%s: %s is neither %s nor %s", option, value, a, b);
}

static int firewall_check(const char *list, struct error *e)
{
	struct strings words = { 0 };
	int rc = list ? strings_split(&words, list, ",", e) : 0;

	if (!rc && list && !words.count)
		rc = error_set(e, ERR_USAGE, "--firewall: nothing to be let in");
	for (size_t i = 0; i < words.count && !rc; i++) {
		const struct firewall_group *f = firewall_groups;

		while (f->word && strcmp(f->word, words.item[i]) != 0)
			f++;
		if (!f->word)
			rc = error_set(e, ERR_USAGE, "--firewall: %s is none of rdp, winrm, icmp",
				words.item[i]);
	}
	strings_free(&words);
	return rc;
}

static int digest_check(const char *hex, struct error *e)
{
	size_t len = 0;

	while (isxdigit((unsigned char)hex[len]))
		len++;
	if (len == 64 && !hex[len])
		return 0;
	return error_set(
		e, ERR_USAGE, "--cloudbase-init-sha256: %s is not 64 hexadecimal digits", hex);
}

int windows_wishes_check(const struct windows_wishes *w, struct error *e)
{
	int rc = choice_check("rtc", w->rtc, "utc", "local", e);

	if (!rc)
		rc = choice_check("rdp", w->rdp, "on", "off", e);
	if (!rc && w->san_policy && !windows_san_policy(w))
		rc = error_set(e, ERR_USAGE,
			"--san-policy: %s is none of online-all, offline-shared, offline-all, "
			"offline-internal",
			w->san_policy);
	if (!rc)
		rc = firewall_check(w->firewall, e);
	if (!rc && w->cloudbase_init_sha256 && !w->cloudbase_init)
		rc = error_set(e, ERR_USAGE,
			"--cloudbase-init-sha256: of no file: there is no --cloudbase-init");
	if (!rc && w->cloudbase_init_sha256)
		rc = digest_check(w->cloudbase_init_sha256, e);
	return rc;
}

bool windows_wishes_any(const struct windows_wishes *w)
{
	return w &&
		(w->rtc || w->san_policy || w->rdp || w->firewall || w->unattend ||
			w->cloudbase_init || w->cloudbase_init_conf || w->ems);
}

int windows_settings_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct windows_wishes *w = c->windows;
	int rc;

	if (!w)
		return 0;
	rc = windows_wishes_check(w, e);
	/* What may be refused goes first: a user's files. */
	if (!rc)
		rc = windows_cloudbase_apply(g, w, e);
	if (!rc)
		rc = windows_unattend_apply(g, c, e);
	if (!rc)
		rc = windows_registry_apply(g, c, e);
	return rc ? rc : windows_firewall_apply(g, w, e);
}
