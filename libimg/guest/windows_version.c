/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which Windows it is, by its registry and its kernel. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/firmware.h"
#include "guest/pe.h"
#include "guest/windows.h"

static const char version_key[] = "Microsoft\\Windows NT\\CurrentVersion";

enum {
	BUILD_WINDOWS_11 = 22000,
	LCID_ENGLISH = 0x0409,
};

static const struct processor {
	uint16_t machine;
	const char *word; /* of PROCESSOR_ARCHITECTURE */
	const char *name, *linux_name; /* as windows_info, and as struct guest has it */
	enum inf_arch inf;
} processors[] = {
	{ PE_MACHINE_X86_64, "AMD64", "x86_64", "x86_64", INF_AMD64 },
	{ PE_MACHINE_I386, "x86", "i386", "i686", INF_X86 },
	{ PE_MACHINE_ARM64, "ARM64", "arm64", "aarch64", INF_ARM64 },
};

/* NULL: no such value, or an empty one. */
static int text_of(struct guest_image *g, const char *name, char **out, struct error *e)
{
	int rc = windows_text(windows_hive(g, WINDOWS_SOFTWARE), version_key, name, out, e);

	if (!rc && *out && !**out) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

static int number_of(
	struct guest_image *g, const char *name, uint32_t otherwise, uint32_t *out, struct error *e)
{
	return windows_number(
		windows_hive(g, WINDOWS_SOFTWARE), version_key, name, otherwise, out, e);
}

/* Windows 10 and later have numbers; CurrentVersion stays "6.3" there. */
static int major_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	char *text = NULL;
	int rc = number_of(g, "CurrentMajorVersionNumber", 0, &w->major, e);

	if (!rc && w->major)
		return number_of(g, "CurrentMinorVersionNumber", 0, &w->minor, e);
	if (!rc)
		rc = text_of(g, "CurrentVersion", &text, e);
	if (!rc && text && sscanf(text, "%" SCNu32 ".%" SCNu32, &w->major, &w->minor) != 2)
		w->major = w->minor = 0;
	free(text);
	return rc;
}

/* CurrentBuild says something else on XP. */
static int build_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	char *text = NULL;
	int rc = text_of(g, "CurrentBuildNumber", &text, e);

	if (!rc && text)
		w->build = (uint32_t)strtoul(text, NULL, 10);
	free(text);
	return rc;
}

static int version_text(struct guest_image *g, struct windows_info *w, struct error *e)
{
	struct buffer text = { 0 };
	uint32_t revision;
	int rc = number_of(g, "UBR", UINT32_MAX, &revision, e);

	if (rc || !w->major)
		return rc;
	rc = buffer_format(&text, e, "%" PRIu32 ".%" PRIu32, w->major, w->minor);
	if (!rc && w->build)
		rc = buffer_format(&text, e, ".%" PRIu32, w->build);
	if (!rc && w->build && revision != UINT32_MAX)
		rc = buffer_format(&text, e, ".%" PRIu32, revision);
	if (rc)
		buffer_free(&text);
	w->version = (char *)text.data;
	return rc;
}

static int product_type_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	static const char *const types[] = { "WinNT", "LanmanNT", "ServerNT" };
	char *text = NULL;
	int rc = windows_set_text(g, "Control\\ProductOptions", "ProductType", &text, e);

	for (size_t i = 0; text && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(text, types[i]))
			w->product_type = (uint8_t)(i + 1);
	free(text);
	if (rc || w->product_type || !w->install_type)
		return rc;
	/* Of a server without that value it is not known whether it is a domain controller. */
	w->product_type = !strcasecmp(w->install_type, "Client") ? 1 : 3;
	return 0;
}

/* Windows 11 calls itself 10 there. */
static void product_correct(struct windows_info *w)
{
	static const char old[] = "Windows 10";

	const bool client = w->install_type ? !strcasecmp(w->install_type, "Client")
					    : w->product_type == 1;

	if (w->product && w->build >= BUILD_WINDOWS_11 && client &&
		!strncmp(w->product, old, sizeof(old) - 1))
		w->product[sizeof(old) - 2] = '1';
}

static int release_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	int rc = text_of(g, "DisplayVersion", &w->release, e);

	return rc || w->release ? rc : text_of(g, "ReleaseId", &w->release, e);
}

static bool ends_in(const char *text, const char *ending)
{
	const size_t len = strlen(text), end = strlen(ending);

	return len >= end && !strcasecmp(text + len - end, ending);
}

static int product_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	int rc = text_of(g, "ProductName", &w->product, e);

	if (!rc)
		rc = text_of(g, "EditionID", &w->edition, e);
	if (!rc)
		rc = text_of(g, "InstallationType", &w->install_type, e);
	if (!rc)
		rc = release_load(g, w, e);
	if (!rc)
		rc = product_type_load(g, w, e);
	if (rc)
		return rc;
	w->evaluation = w->edition && ends_in(w->edition, "Eval");
	product_correct(w);
	return 0;
}

static int machine_of(struct guest_image *g, const char *name, uint16_t *out, struct error *e)
{
	struct buffer path = { 0 };
	struct error why = { 0 };
	int rc = 0;

	*out = 0;
	if (firmware_path_below(g->tree, windows_of(g)->system32, name, &path, &why))
		rc = error_of_host(&why, e);
	else
		rc = windows_file_machine(g, buffer_text(&path), out, e);
	buffer_free(&path);
	return rc;
}

/* The kernel tells for certain, then what Windows says of itself, then its shell. */
static int processor_find(struct guest_image *g, const struct processor **out, struct error *e)
{
	const size_t count = sizeof(processors) / sizeof(processors[0]);
	char *word = NULL;
	uint16_t kernel, shell;
	int rc = machine_of(g, "ntoskrnl.exe", &kernel, e);

	if (!rc)
		rc = machine_of(g, "cmd.exe", &shell, e);
	if (!rc)
		rc = windows_set_text(g, "Control\\Session Manager\\Environment",
			"PROCESSOR_ARCHITECTURE", &word, e);
	*out = NULL;
	for (size_t i = 0; i < count && !rc && !*out; i++)
		if (processors[i].machine == kernel)
			*out = &processors[i];
	for (size_t i = 0; i < count && word && !*out; i++)
		if (!strcasecmp(processors[i].word, word))
			*out = &processors[i];
	for (size_t i = 0; i < count && !rc && !*out; i++)
		if (processors[i].machine == shell)
			*out = &processors[i];
	free(word);
	return rc;
}

static int arch_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	const struct processor *p;
	int rc = processor_find(g, &p, e);

	if (rc || !p)
		return rc;
	w->arch = strdup(p->name);
	g->guest.arch = strdup(p->linux_name);
	if (!w->arch || !g->guest.arch)
		return error_nomem(e, "the architecture");
	windows_of(g)->platform.arch = p->inf;
	return 0;
}

static int language_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	static const char key[] = "Control\\Nls\\Language";
	uint16_t *lcid = &windows_of(g)->platform.lcid;
	int rc = windows_set_text(g, key, "InstallLanguage", &w->language, e);

	if (!rc && !w->language)
		rc = windows_set_text(g, key, "Default", &w->language, e);
	*lcid = LCID_ENGLISH;
	if (!rc && w->language && strtoul(w->language, NULL, 16))
		*lcid = (uint16_t)strtoul(w->language, NULL, 16);
	return rc;
}

static int hostname_load(struct guest_image *g, struct windows_info *w, struct error *e)
{
	int rc = windows_set_text(g, "Services\\Tcpip\\Parameters", "Hostname", &w->hostname, e);

	if (!rc && !w->hostname)
		rc = windows_set_text(
			g, "Control\\ComputerName\\ComputerName", "ComputerName", &w->hostname, e);
	return rc;
}

static int copy(const char *text, char **out, struct error *e)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? error_nomem(e, "a guest") : 0;
}

int windows_version_load(struct guest_image *g, struct error *e)
{
	struct inf_platform *platform = &windows_of(g)->platform;
	struct windows_info *w = g->guest.windows;
	int rc = major_load(g, w, e);

	if (!rc)
		rc = build_load(g, w, e);
	if (!rc)
		rc = version_text(g, w, e);
	if (!rc)
		rc = product_load(g, w, e);
	if (!rc)
		rc = arch_load(g, w, e);
	if (!rc)
		rc = language_load(g, w, e);
	if (!rc)
		rc = hostname_load(g, w, e);
	if (!rc)
		rc = copy("windows", &g->guest.distro, e);
	if (!rc)
		rc = copy(w->version, &g->guest.version, e);
	platform->major = w->major;
	platform->minor = w->minor;
	platform->build = w->build;
	platform->product = w->product_type;
	return rc ? rc : copy(w->product, &g->guest.name, e);
}
