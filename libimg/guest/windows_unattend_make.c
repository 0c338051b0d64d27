/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An answer file for a generalized image: it is specialized and goes through the first start's
 * questions by itself.  No account and no password are in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/windows_setting.h"

#define WCM_NAMESPACE "http://schemas.microsoft.com/WMIConfig/2002/State"

enum { BUILD_7 = 7600, BUILD_8 = 9200 };

struct maker {
	xmlNode *root;
	xmlNs *wcm;
	const char *arch;
	bool shortage; /* of memory */
};

static xmlNode *element(struct maker *m, xmlNode *parent, const char *name, const char *text)
{
	xmlNode *node = parent
		? xmlNewTextChild(parent, m->root->ns, (const xmlChar *)name, (const xmlChar *)text)
		: NULL;

	m->shortage = m->shortage || !node;
	return node;
}

static void attribute(struct maker *m, xmlNode *node, const char *name, const char *value)
{
	if (!node || !xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value))
		m->shortage = true;
}

static void wcm_attribute(struct maker *m, xmlNode *node, const char *name, const char *value)
{
	if (!node || !xmlNewNsProp(node, m->wcm, (const xmlChar *)name, (const xmlChar *)value))
		m->shortage = true;
}

static xmlNode *pass(struct maker *m, const char *name)
{
	xmlNode *node = element(m, m->root, "settings", NULL);

	attribute(m, node, "pass", name);
	return node;
}

static xmlNode *component(struct maker *m, xmlNode *settings, const char *name)
{
	xmlNode *node = element(m, settings, "component", NULL);

	attribute(m, node, "name", name);
	attribute(m, node, "processorArchitecture", m->arch);
	attribute(m, node, "publicKeyToken", UNATTEND_KEY_TOKEN);
	attribute(m, node, "language", "neutral");
	attribute(m, node, "versionScope", "nonSxS");
	return node;
}

static void desktop(struct maker *m, xmlNode *settings, const struct windows_wishes *w)
{
	const bool on = !strcmp(w->rdp, "on");
	xmlNode *node = component(
		m, settings, "Microsoft-Windows-TerminalServices-LocalSessionManager");

	element(m, node, "fDenyTSConnections", on ? "false" : "true");
	if (!on)
		return;
	node = component(
		m, settings, "Microsoft-Windows-TerminalServices-RDP-WinStationExtensions");
	element(m, node, "UserAuthentication", "1");
}

static void firewall(
	struct maker *m, xmlNode *settings, const struct windows_wishes *w, uint32_t build)
{
	xmlNode *groups = NULL;

	for (const struct firewall_group *f = firewall_groups; f->word; f++) {
		xmlNode *group;

		if (!f->group || !windows_wants_rule(w, f->word))
			continue;
		if (!groups)
			groups = element(m, component(m, settings, "Networking-MPSSVC-Svc"),
				"FirewallGroups", NULL);
		group = element(m, groups, "FirewallGroup", NULL);
		wcm_attribute(m, group, "action", "add");
		wcm_attribute(m, group, "keyValue", f->word);
		element(m, group, "Active", "true");
		element(m, group, "Group", firewall_group_of(f, build));
		element(m, group, "Profile", "all");
	}
}

static void san_policy(struct maker *m, xmlNode *settings, const struct windows_wishes *w)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned)windows_san_policy(w));
	element(m, component(m, settings, "Microsoft-Windows-PartitionManager"), "SanPolicy",
		number);
}

/* cloudbase-init's own first part: exit status 1 lets Setup restart Windows, 2 lets it go on. */
static void cloudbase(struct maker *m, xmlNode *deployment, const char *folder)
{
	xmlNode *run = element(m, deployment, "RunSynchronous", NULL);
	xmlNode *command = element(m, run, "RunSynchronousCommand", NULL);
	struct buffer line = { 0 }, path = { 0 };
	struct error e;

	if (buffer_format(&path, &e, "%%SystemDrive%%%s", folder))
		m->shortage = true;
	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] == '/')
			path.data[i] = '\\';
	if (buffer_format(&line, &e,
		    "cmd.exe /c \"\"%s\\Python\\Scripts\\cloudbase-init.exe\" --config-file "
		    "\"%s\\conf\\cloudbase-init-unattend.conf\" && exit 1 || exit 2\"",
		    buffer_text(&path), buffer_text(&path)))
		m->shortage = true;
	wcm_attribute(m, command, "action", "add");
	element(m, command, "Order", "1");
	element(m, command, "Path", buffer_text(&line));
	element(m, command, "Description", "cloudbase-init: host name and volumes");
	element(m, command, "WillReboot", "OnRequest");
	buffer_free(&line);
	buffer_free(&path);
}

static void specialize(struct maker *m, struct guest_image *g, const struct windows_wishes *w,
	const char *cloudbase_folder)
{
	const uint32_t build = windows_of(g)->platform.build;
	xmlNode *settings = pass(m, "specialize");
	xmlNode *node = component(m, settings, "Microsoft-Windows-Shell-Setup");

	element(m, node, "ComputerName", "*");
	element(m, node, "TimeZone", "UTC");
	if (build >= BUILD_7 || cloudbase_folder) {
		node = component(m, settings, "Microsoft-Windows-Deployment");
		if (build >= BUILD_7)
			element(m, element(m, node, "ExtendOSPartition", NULL), "Extend", "true");
		if (cloudbase_folder)
			cloudbase(m, node, cloudbase_folder);
	}
	if (w->rdp)
		desktop(m, settings, w);
	firewall(m, settings, w, build);
	if (windows_san_policy(w))
		san_policy(m, settings, w);
}

static void first_start(struct maker *m, struct guest_image *g)
{
	const bool is_8 = windows_of(g)->platform.build >= BUILD_8;
	xmlNode *settings = pass(m, "oobeSystem");
	xmlNode *node = element(
		m, component(m, settings, "Microsoft-Windows-Shell-Setup"), "OOBE", NULL);

	element(m, node, "HideEULAPage", "true");
	if (is_8) {
		element(m, node, "HideLocalAccountScreen", "true");
		element(m, node, "HideOEMRegistrationScreen", "true");
		element(m, node, "HideOnlineAccountScreens", "true");
	}
	element(m, node, "HideWirelessSetupInOOBE", "true");
	element(m, node, "NetworkLocation", "Work");
	element(m, node, "ProtectYourPC", "1");
	element(m, node, "SkipMachineOOBE", "true");
	element(m, node, "SkipUserOOBE", "true");
}

static int document_text(xmlDoc *doc, struct buffer *out, struct error *e)
{
	xmlChar *text = NULL;
	int len = 0, rc;

	xmlDocDumpFormatMemoryEnc(doc, &text, &len, "utf-8", 1);
	if (!text)
		return error_nomem(e, "the answer file");
	rc = buffer_append(out, text, (size_t)len, e);
	xmlFree(text);
	return rc;
}

int unattend_make(
	struct guest_image *g, const struct windows_wishes *w, struct buffer *out, struct error *e)
{
	struct maker m = { .arch = inf_arch_name(windows_of(g)->platform.arch) };
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	char *folder = NULL;
	int rc = doc ? cloudbase_find(g, &folder, e) : error_nomem(e, "the answer file");

	if (!rc)
		m.root = xmlNewDocNode(doc, NULL, (const xmlChar *)"unattend", NULL);
	if (m.root) {
		xmlNs *own = xmlNewNs(m.root, (const xmlChar *)UNATTEND_NAMESPACE, NULL);

		xmlDocSetRootElement(doc, m.root);
		xmlSetNs(m.root, own);
		m.wcm = xmlNewNs(m.root, (const xmlChar *)WCM_NAMESPACE, (const xmlChar *)"wcm");
		m.shortage = !own || !m.wcm;
		specialize(&m, g, w, folder);
		first_start(&m, g);
	}
	if (!rc && (!m.root || m.shortage))
		rc = error_nomem(e, "the answer file");
	if (!rc)
		rc = document_text(doc, out, e);
	free(folder);
	xmlFreeDoc(doc);
	return rc;
}
