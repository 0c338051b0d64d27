/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grub.cfg; a guest that has grub-mkconfig makes a new one of its own settings with the next
 * kernel. */
#include <string.h>

#include "guest/linux_boot_private.h"

/* Without a serial port the screen stays, and nothing waits. */
static const char head[] = "# The menu of a fresh image; update-grub or grub2-mkconfig makes "
			   "another of /etc/default/grub.\n"
			   "set default=0\n"
			   "set timeout=1\n"
			   "if [ \"$grub_platform\" = efi ]; then\n"
			   "\tinsmod all_video\n"
			   "fi\n"
			   "if serial --unit=0 --speed=115200; then\n"
			   "\tterminal_input console serial\n"
			   "\tterminal_output console serial\n"
			   "fi\n";

static int entry_append(
	const struct booting *b, const struct linux_start *k, struct buffer *out, struct error *e)
{
	return buffer_format(out, e,
		"menuentry '%s, with Linux %s' --class gnu-linux --class os {\n"
		"\tinsmod gzio\n"
		"\tinsmod part_gpt\n"
		"\tinsmod ext2\n"
		"\tsearch --no-floppy --fs-uuid --set=root %s\n"
		"\tlinux %s root=UUID=%s ro%s\n"
		"\tinitrd %s\n"
		"}\n",
		b->title, k->version, b->job->root_uuid, k->image, b->job->root_uuid,
		buffer_text(&b->arguments), k->initramfs);
}

int booting_menu_write(struct booting *b, struct error *e)
{
	struct buffer text = { 0 }, path = { 0 };
	int rc = buffer_string(&text, head, e);

	for (size_t i = 0; i < b->kernels.count && !rc; i++)
		rc = entry_append(b, &b->kernels.boot[i], &text, e);
	if (!rc)
		rc = buffer_format(&path, e, "%s/grub.cfg", b->grub);
	if (!rc)
		rc = booting_put(b, b->root, buffer_text(&path), text.data, text.len, e);
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}
