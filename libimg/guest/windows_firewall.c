/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of the Windows firewall are values of the registry, "v2.30|Action=Allow|Active=FALSE|
 * Dir=In|Protocol=6|LPort=3389|...|", which the firewall reads when it starts.  Those that Windows
 * has for a purpose are switched on as they are, with their profiles and addresses; where there are
 * none, netsh does it at the first boot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_setting.h"

const struct firewall_group firewall_groups[] = {
	{ "rdp", "@FirewallAPI.dll,-28752", "@FirewallAPI.dll,-28752" },
	{ "winrm", "@FirewallAPI.dll,-30267", "@FirewallAPI.dll,-30252" },
	{ "icmp", NULL, NULL },
	{ NULL, NULL, NULL },
};

/* Names of the rules begin so, in every version since Vista; `part`: what the rule must have. */
static const struct {
	const char *word, *name, *part;
} rules[] = {
	{ "rdp", "RemoteDesktop-", "|LPort=3389|" },
	{ "winrm", "WINRM-HTTP-In-TCP", "|LPort=5985|" },
	{ "icmp", "FPS-ICMP4-ERQ-In", "|ICMP4=8:" },
	{ "icmp", "FPS-ICMP6-ERQ-In", "|ICMP6=128:" },
};

static bool is_rule(const char *word, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!strcmp(rules[i].word, word) &&
			!strncasecmp(name, rules[i].name, strlen(rules[i].name)) &&
			strstr(text, rules[i].part) && strstr(text, "|Dir=In|") &&
			strstr(text, "|Action=Allow|"))
			return true;
	return false;
}

static int rule_enable(
	struct hive *h, const char *key, const char *name, const char *text, struct error *e)
{
	static const char off[] = "|Active=FALSE|";
	const char *at = strstr(text, off);
	struct buffer on = { 0 };
	int rc;

	if (!at)
		return 0;
	rc = buffer_append(&on, text, (size_t)(at - text), e);
	if (!rc)
		rc = buffer_format(&on, e, "|Active=TRUE|%s", at + strlen(off));
	if (!rc)
		rc = hive_set_text(
			h, key, name, HIVE_SZ, buffer_text(&on), "the firewall lets it in", e);
	buffer_free(&on);
	return rc;
}

/* *found: how many rules there are for the word, switched on or not. */
static int rules_enable(
	struct hive *h, const char *key, const char *word, size_t *found, struct error *e)
{
	struct hive_value *v = NULL;
	size_t count = 0;
	int rc = hive_values(h, key, &v, &count, e);

	*found = 0;
	if (rc)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	for (size_t i = 0; i < count && !rc; i++) {
		char *text = NULL;

		rc = windows_text(h, key, v[i].name, &text, e);
		if (!rc && text && is_rule(word, v[i].name, text)) {
			++*found;
			rc = rule_enable(h, key, v[i].name, text, e);
		}
		free(text);
	}
	hive_values_free(v, count);
	return rc;
}

const char *firewall_group_of(const struct firewall_group *f, uint32_t build)
{
	return build && build < 9200 ? f->group_before_8 : f->group;
}

/* A group is named by where its name is, so that the language of Windows does not matter. */
static int command_add(
	struct guest_image *g, const struct firewall_group *f, struct strings *out, struct error *e)
{
	const char *group = firewall_group_of(f, windows_of(g)->platform.build);
	static const char netsh[] = "\"%SystemRoot%\\System32\\netsh.exe\" advfirewall firewall ";
	struct buffer line = { 0 };
	int rc = buffer_string(&line, netsh, e);

	if (!rc && group)
		rc = buffer_format(&line, e, "set rule group=\"%s\" new enable=yes", group);
	else if (!rc)
		rc = buffer_string(&line,
			"add rule name=\"ICMPv4 echo request\" dir=in action=allow "
			"protocol=icmpv4:8,any",
			e);
	if (!rc)
		rc = strings_add(out, buffer_text(&line), e);
	buffer_free(&line);
	return rc;
}

static int word_apply(struct guest_image *g, struct hive *h, const struct firewall_group *f,
	struct strings *commands, struct error *e)
{
	const struct strings *sets = &windows_of(g)->control_sets;
	size_t current = 0;
	int rc = 0;

	for (size_t i = 0; i < sets->count && !rc; i++) {
		struct buffer key = { 0 };
		size_t found = 0;

		rc = buffer_format(&key, e,
			"%s\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules",
			sets->item[i]);
		if (!rc)
			rc = rules_enable(h, buffer_text(&key), f->word, &found, e);
		if (!i)
			current = found;
		buffer_free(&key);
	}
	return rc || current ? rc : command_add(g, f, commands, e);
}

int windows_firewall_apply(struct guest_image *g, const struct windows_wishes *w, struct error *e)
{
	struct strings commands = { 0 };
	struct hive *h = NULL;
	int rc = 0;

	for (const struct firewall_group *f = firewall_groups; f->word && !rc; f++) {
		if (!windows_wants_rule(w, f->word))
			continue;
		if (windows_of(g)->platform.major && windows_of(g)->platform.major < 6)
			rc = error_set(e, ERR_NOTREADY,
				"--firewall: Windows before Vista has no rule for %s that could "
				"be switched on",
				f->word);
		if (!rc)
			rc = windows_hive_edit(g, WINDOWS_SYSTEM, &h, e);
		if (!rc)
			rc = word_apply(g, h, f, &commands, e);
	}
	if (!rc && commands.count)
		rc = windows_first_boot_add(g, "15-firewall", &commands, e);
	strings_free(&commands);
	return rc;
}
