/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the installed system calls itself, and which processor it is for. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

int linux_text(struct tree *t, const char *path, struct buffer *out, bool *exists, struct error *e)
{
	int rc;

	*exists = tree_is(t, path, S_IFREG);
	if (!*exists)
		return 0;
	rc = tree_read(t, path, TEXT_LIMIT, out, e);
	return rc ? error_prefix(e, "%s", path) : 0;
}

/* Appends what the shell would make of one word: quotes and backslashes gone. */
static int unquote(const char *text, size_t len, struct buffer *out, struct error *e)
{
	char quote = 0;
	int rc = 0;

	for (size_t i = 0; i < len && !rc; i++) {
		char c = text[i];

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (!quote && (c == ' ' || c == '\t' || c == '#'))
			break;
		if (c == '\\' && quote != '\'' && i + 1 < len)
			c = text[++i];
		rc = buffer_append(out, &c, 1, e);
	}
	return rc;
}

int linux_shell_value(const char *text, const char *name, char **out, struct error *e)
{
	struct buffer value = { 0 };
	size_t name_len = strlen(name);
	bool set = false;
	int rc = 0;

	*out = NULL;
	for (const char *line = text; *line && !rc;) {
		size_t len = strcspn(line, "\n");
		const char *start = line + strspn(line, " \t");

		if (start < line + len && !strncmp(start, name, name_len) &&
			start[name_len] == '=') {
			start += name_len + 1;
			buffer_free(&value);
			set = true;
			rc = unquote(start, (size_t)(line + len - start), &value, e);
		}
		line += len + (line[len] != 0);
	}
	if (!rc && set) {
		*out = strdup(buffer_text(&value));
		if (!*out)
			rc = error_nomem(e, name);
	}
	buffer_free(&value);
	return rc;
}

/* e_machine of the System V ABI, as uname -m names it. */
static const struct machine {
	uint16_t number;
	uint8_t class; /* 1: 32 bits, 2: 64, 0: either */
	const char *name;
} machines[] = {
	{ 3, 1, "i686" },
	{ 62, 2, "x86_64" },
	{ 62, 1, "x86_64" }, /* x32 */
	{ 183, 2, "aarch64" },
	{ 40, 1, "armv7l" },
	{ 243, 2, "riscv64" },
	{ 22, 2, "s390x" },
	{ 21, 2, "ppc64le" },
	{ 258, 2, "loongarch64" },
};

/* "": no ELF file of a known kind. */
static const char *elf_machine(const uint8_t h[20])
{
	bool big = h[5] == 2;
	uint16_t number = (uint16_t)(big ? h[18] << 8 | h[19] : h[19] << 8 | h[18]);

	if (memcmp(h, "\177ELF", 4))
		return "";
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].number == number && machines[i].class == h[4])
			return machines[i].name;
	return "";
}

int linux_machine(struct tree *t, const char **out, struct error *e)
{
	static const char *const programs[] = { "/bin/sh", "/usr/bin/sh", "/sbin/init",
		"/usr/lib/systemd/systemd", "/bin/bash", "/bin/busybox", "/usr/bin/env" };

	*out = NULL;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && !*out; i++) {
		uint8_t head[20];
		struct fs_stat st;
		int rc = tree_stat(t, programs[i], TREE_FOLLOW, &st, NULL);

		if (rc || !S_ISREG(st.mode) || st.size < sizeof(head))
			continue;
		rc = tree_read_at(t, programs[i], 0, head, sizeof(head), e);
		if (rc)
			return error_prefix(e, "%s", programs[i]);
		if (*elf_machine(head))
			*out = elf_machine(head);
	}
	return 0;
}

static int arch_load(struct guest_image *g, struct error *e)
{
	const char *arch;
	int rc = linux_machine(g->tree, &arch, e);

	if (rc || !arch)
		return rc;
	g->guest.arch = strdup(arch);
	return g->guest.arch ? 0 : error_nomem(e, "the architecture");
}

int linux_release_load(struct guest_image *g, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, "/etc/os-release", &text, &exists, e);

	if (!rc && !exists)
		rc = linux_text(g->tree, "/usr/lib/os-release", &text, &exists, e);
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "ID", &g->guest.distro, e);
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "VERSION_ID", &g->guest.version, e);
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "PRETTY_NAME", &g->guest.name, e);
	buffer_free(&text);
	return rc ? rc : arch_load(g, e);
}
