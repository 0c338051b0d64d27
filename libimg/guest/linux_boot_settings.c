/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files without which a guest does not find its own disk, or takes another's identity. */
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_boot_private.h"

/* Whether a line mounts something there.  fstab(5) */
static int fstab_has(const char *text, const char *place, bool *has, struct error *e)
{
	int rc = 0;

	*has = false;
	for (const char *line = text; *line && !rc && !*has;) {
		const size_t len = strcspn(line, "\n");
		struct strings field = { 0 };
		struct buffer one = { 0 };

		rc = buffer_append(&one, line, len, e);
		if (!rc)
			rc = strings_split(&field, buffer_text(&one), " \t\r", e);
		*has = !rc && field.count >= 3 && field.item[0][0] != '#' &&
			!strcmp(field.item[1], place);
		strings_free(&field);
		buffer_free(&one);
		line += len + (line[len] != 0);
	}
	return rc;
}

static int fstab_write(struct booting *b, struct error *e)
{
	struct buffer text = { 0 };
	bool exists, root = false, esp = false;
	int rc = linux_text(b->root, "/etc/fstab", &text, &exists, e);
	size_t before = text.len;

	if (!rc)
		rc = fstab_has(buffer_text(&text), "/", &root, e);
	if (!rc)
		rc = fstab_has(buffer_text(&text), "/boot/efi", &esp, e);
	if (!rc && !root && text.len && text.data[text.len - 1] != '\n')
		rc = buffer_string(&text, "\n", e);
	if (!rc && !root)
		rc = buffer_format(
			&text, e, "UUID=%s / ext4 errors=remount-ro 0 1\n", b->job->root_uuid);
	if (!rc && !root && !esp)
		rc = buffer_format(&text, e, "UUID=%s /boot/efi vfat umask=0077,nofail 0 2\n",
			b->job->esp_uuid);
	if (!rc && text.len > before)
		rc = booting_put(b, b->root, "/etc/fstab", text.data, text.len, e);
	buffer_free(&text);
	return rc;
}

/* Empty, systemd makes one at the first start.  machine-id(5) */
static int machine_id_write(struct booting *b, struct error *e)
{
	return tree_is(b->root, "/etc/machine-id", 0)
		? 0
		: booting_put(b, b->root, "/etc/machine-id", "", 0, e);
}

int booting_settings_write(struct booting *b, struct error *e)
{
	const struct tree_put put = { .mtime = b->job->mtime };
	int rc = fstab_write(b, e);

	if (!rc)
		rc = tree_make_directory(b->root, "/boot/efi", &put, e);
	return rc ? rc : machine_id_write(b, e);
}
