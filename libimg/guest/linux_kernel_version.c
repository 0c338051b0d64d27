/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The version of a kernel whose file name does not tell it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/linux_kernel.h"

/* Linux: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". */
enum {
	HEADER_MAGIC = 0x202, /* "HdrS" */
	HEADER_VERSION = 0x20e, /* where the text is, less 0x200 */
	HEADER_SIZE = 0x210,
	TEXT_SIZE = 128,
};

int linux_part_version(const struct linux_file *f, uint64_t size, char **out, struct error *e)
{
	struct linux_file part = *f;
	uint8_t header[HEADER_SIZE];
	char text[TEXT_SIZE] = { 0 };
	uint64_t at;
	int rc;

	*out = NULL;
	if (size < sizeof(header))
		return 0;
	rc = linux_tree_read(&part, 0, header, sizeof(header), e);
	if (rc || memcmp(header + HEADER_MAGIC, "HdrS", 4))
		return rc;
	at = get_le16((le16){ { header[HEADER_VERSION], header[HEADER_VERSION + 1] } });
	if (!at || at + 0x200 >= size)
		return 0;
	at += 0x200;
	rc = linux_tree_read(&part, at, text, (size_t)min_u64(sizeof(text) - 1, size - at), e);
	if (rc)
		return rc;
	text[strcspn(text, " \t\n")] = 0;
	if (!linux_is_version(text))
		return 0;
	*out = strdup(text);
	return *out ? 0 : error_nomem(e, "a version");
}

/* The only directory of modules. */
static int only_version(struct tree *t, char **out, struct error *e)
{
	struct strings names = { 0 };
	const char *found = NULL;
	size_t count = 0;
	int rc = 0;

	if (tree_is(t, "/lib/modules", S_IFDIR))
		rc = tree_list(t, "/lib/modules", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++)
		if (linux_is_version(names.item[i])) {
			found = names.item[i];
			count++;
		}
	if (!rc && count == 1) {
		*out = strdup(found);
		if (!*out)
			rc = error_nomem(e, "a version");
	}
	strings_free(&names);
	return rc;
}

int linux_image_version(struct tree *t, const char *path, char **out, struct error *e)
{
	const struct linux_file file = { .tree = t, .path = path };
	struct fs_stat st;
	int rc = tree_stat(t, path, TREE_FOLLOW, &st, e);

	*out = NULL;
	if (!rc)
		rc = linux_part_version(&file, st.size, out, e);
	return rc || *out ? rc : only_version(t, out, e);
}
