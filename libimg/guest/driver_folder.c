/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/driver_folder.h"

#include <string.h>
#include <strings.h>

enum family { CLIENT = 1, SERVER = 2, BOTH = CLIENT | SERVER };

/* In each family every build has the folder of the release before it. */
static const struct release {
	const char *name;
	enum family family;
	uint32_t build;
} releases[] = {
	{ "xp", CLIENT, 2600 },
	{ "2k3", BOTH, 3790 },
	{ "2k8", BOTH, 6000 },
	{ "w7", CLIENT, 7600 },
	{ "2k8r2", SERVER, 7600 },
	{ "w8", CLIENT, 9200 },
	{ "2k12", SERVER, 9200 },
	{ "w8.1", CLIENT, 9600 },
	{ "2k12r2", SERVER, 9600 },
	{ "w10", CLIENT, 10240 },
	{ "2k16", SERVER, 14393 },
	{ "2k19", SERVER, 17763 },
	{ "2k22", SERVER, 20348 },
	{ "w11", CLIENT, 22000 },
	{ "2k25", SERVER, 26100 },
};

static const struct {
	const char *name;
	enum inf_arch arch;
} architectures[] = {
	{ "amd64", INF_AMD64 },
	{ "x64", INF_AMD64 },
	{ "x86_64", INF_AMD64 },
	{ "x86", INF_X86 },
	{ "i386", INF_X86 },
	{ "arm64", INF_ARM64 },
};

static enum family family_of(const struct inf_platform *p)
{
	return p->product == 0 ? BOTH : p->product == 1 ? CLIENT : SERVER;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(text, word, len);
}

static const struct release *release_find(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(releases) / sizeof(*releases); i++)
		if (is_word(text, len, releases[i].name))
			return &releases[i];
	return NULL;
}

static bool is_other_arch(const char *text, size_t len, enum inf_arch arch)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures); i++)
		if (is_word(text, len, architectures[i].name))
			return architectures[i].arch != arch;
	return false;
}

static bool has_closer(const struct release *r, const struct inf_platform *p)
{
	for (size_t i = 0; i < sizeof(releases) / sizeof(*releases); i++)
		if (releases[i].family & family_of(p) && releases[i].build > r->build &&
			releases[i].build <= p->build)
			return true;
	return false;
}

struct driver_folder driver_folder_read(const char *path, const struct inf_platform *p)
{
	struct driver_folder f = { .fit = FOLDER_ANY };
	const struct release *release = NULL;

	for (const char *at = path; *at;) {
		const size_t len = strcspn(at, "/");
		const struct release *here = release_find(at, len);

		release = here ? here : release;
		if (is_other_arch(at, len, p->arch))
			f.fit = FOLDER_OTHER;
		at += len + (at[len] != 0);
	}
	if (!release)
		return f;
	f.name = release->name;
	f.build = release->build;
	if (f.fit == FOLDER_OTHER || !(release->family & family_of(p)) || release->build > p->build)
		f.fit = FOLDER_OTHER;
	else
		f.fit = has_closer(release, p) ? FOLDER_OLDER : FOLDER_SAME;
	return f;
}

bool driver_is_skipped(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (const char *at = path; *at;) {
		const size_t len = strcspn(at, "/");

		if (len == 5 && at[len] && !strncasecmp(at, "sriov", len))
			return true;
		at += len + (at[len] != 0);
	}
	return !strcasecmp(name, "vioprot.inf");
}
