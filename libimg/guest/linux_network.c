/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network configuration that means an interface which the target does not have. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_network.h"

/* Interfaces of these drivers have no PCI slot, so udev leaves them the kernel's name, ethN. */
static bool gives_plain_names(const struct target *t)
{
	for (size_t i = 0; i < t->module_count; i++)
		if (!strcmp(t->module[i].name, "hv_netvsc") ||
			!strcmp(t->module[i].name, "xen-netfront"))
			return true;
	return false;
}

/* systemd.net-naming-scheme(7): of a slot, a path, a board's index or an address; or a pattern of
 * such names. */
static bool is_slot_name(const char *name)
{
	if (strncmp(name, "en", 2) != 0 || !name[2])
		return false;
	if (strchr("*?[", name[2]))
		return true;
	return strchr("sopPxdi", name[2]) && name[3] &&
		strchr(name[2] == 'x' ? "0123456789abcdef*?[" : "0123456789*?[", name[3]);
}

/* "!eth*" is the opposite of a match; what it leaves is not looked into. */
static bool takes_plain_name(const struct network_use *u)
{
	if (u->name)
		return *u->name != '!' && !fnmatch(u->name, NETWORK_PLAIN_NAME, 0);
	return !u->address;
}

/* The one name by a slot that is configured; NULL: none, several, or what is there takes any. */
struct network_names {
	const char *slot;
	bool several, plain;
};

static struct network_names names_of(const struct network_uses *u)
{
	struct network_names n = { 0 };

	for (size_t i = 0; i < u->count; i++) {
		const char *name = u->use[i].name;

		n.plain = n.plain || takes_plain_name(&u->use[i]);
		if (!name || !is_slot_name(name))
			continue;
		n.several = n.several || (n.slot && strcmp(n.slot, name) != 0);
		n.slot = name;
	}
	return n;
}

/* The same file once: ifupdown has a stanza for each family of addresses. */
static bool is_repeated(const struct network_uses *u, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (u->use[i].name && u->use[index].name &&
			!strcmp(u->use[i].name, u->use[index].name) &&
			!strcmp(u->use[i].path, u->use[index].path))
			return true;
	return false;
}

/* Calls back for each use that leaves the target's interface without configuration, with the text
 * that mends it; NULL: it can't be done for certain. */
static int each_unmet(struct guest_image *g,
	int (*each)(void *arg, const struct network_use *use, const struct buffer *fixed,
		struct error *e),
	void *arg, struct error *e)
{
	struct network_uses u = { 0 };
	struct network_names names;
	int rc = network_scan(g, &u, e);

	names = names_of(&u);
	for (size_t i = 0; i < u.count && !rc && !names.plain; i++) {
		const struct network_use *use = &u.use[i];
		struct buffer text = { 0 }, fixed = { 0 };
		bool exists, done = false;

		if (!use->name || !is_slot_name(use->name) || is_repeated(&u, i))
			continue;
		rc = linux_text(g->tree, use->path, &text, &exists, e);
		if (!rc && exists && !names.several)
			rc = network_edit(g, use, buffer_text(&text), &fixed, &done, e);
		if (!rc)
			rc = each(arg, use, done ? &fixed : NULL, e);
		buffer_free(&text);
		buffer_free(&fixed);
	}
	network_uses_free(&u);
	return rc;
}

static int name_report(
	void *arg, const struct network_use *use, const struct buffer *fixed, struct error *e)
{
	const struct finding_text f = { .code = "network-name",
		.severity = SEVERITY_WARNING,
		.fixable = fixed != NULL,
		.path = use->path,
		.fix = fixed ? "hvimg inject lets " NETWORK_PLAIN_NAME " have the same"
			     : "name the interface by a pattern" };

	return finding_add(arg, &f, e,
		"%s configures %s, a name by PCI slot; on the target the interface is "
		"called " NETWORK_PLAIN_NAME,
		use->path, use->name);
}

static int addresses_report(struct guest_image *g, struct report *r, struct error *e)
{
	struct network_uses u = { 0 };
	int rc = network_scan(g, &u, e);

	for (size_t i = 0; i < u.count && !rc; i++) {
		const struct finding_text f = { .code = "network-mac-bound",
			.severity = SEVERITY_WARNING,
			.path = u.use[i].path,
			.fix = u.use[i].kind == NETWORK_NETPLAN
				? "match the interface by its name"
				: "hvimg inject --seal=net-hwaddr,udev-persistent-net takes it "
				  "out" };

		if (u.use[i].address)
			rc = finding_add(r, &f, e,
				"line %llu of %s means the interface with the address %s alone",
				(unsigned long long)u.use[i].line, u.use[i].path, u.use[i].address);
	}
	network_uses_free(&u);
	return rc;
}

int linux_network_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	int rc = gives_plain_names(t) ? each_unmet(g, name_report, r, e) : 0;

	return rc ? rc : addresses_report(g, r, e);
}

/* ifcfg is a file for each interface: the other one is put beside. */
static int name_apply(
	void *arg, const struct network_use *use, const struct buffer *fixed, struct error *e)
{
	static const char why[] = "the interface's name without a PCI slot";
	struct guest_image *g = arg;
	struct buffer path = { 0 };
	int rc;

	if (!fixed)
		return 0;
	if (use->kind == NETWORK_IFCFG)
		rc = buffer_format(&path, e, "%.*s/ifcfg-" NETWORK_PLAIN_NAME,
			(int)(strrchr(use->path, '/') - use->path), use->path);
	else
		rc = buffer_string(&path, use->path, e);
	if (!rc)
		rc = linux_put(g, buffer_text(&path), fixed->data, fixed->len, why, e);
	buffer_free(&path);
	return rc;
}

int linux_network_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	for (size_t i = 0; i < targets->count; i++)
		if (gives_plain_names(&targets->target[i]))
			return each_unmet(g, name_apply, g, e);
	return 0;
}
