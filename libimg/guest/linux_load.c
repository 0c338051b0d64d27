/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of modules in the file that an initramfs reads such names from. */
#include <string.h>

#include "guest/linux.h"

const char *linux_load_path(enum linux_load l)
{
	switch (l) {
	case LOAD_CONF_MODULES:
		return "conf/modules";
	case LOAD_MODULES_LOAD:
		return "etc/modules-load.d/hvimg.conf";
	case LOAD_CMDLINE:
		return "etc/cmdline.d/90-hvimg.conf";
	case LOAD_CONFIG:
		return "config";
	case LOAD_UNKNOWN:
		break;
	}
	return NULL;
}

static bool has_word(const char *text, const char *word)
{
	static const char around[] = " \t\r\n\"'=,()";
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || strchr(around, at[-1])) && (!at[len] || strchr(around, at[len])))
			return true;
	return false;
}

/* Files of one name a line: initramfs-tools takes further words for options of the module. */
static bool has_line(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text += *text != 0) {
		if (!strncmp(text, name, len) && (!text[len] || strchr(" \t\r\n", text[len])))
			return true;
		text += strcspn(text, "\n");
	}
	return false;
}

static int lines_add(struct buffer *out, const struct strings *names, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < names->count && !rc; i++)
		if (!has_line(buffer_text(out), names->item[i]))
			rc = buffer_format(out, e, "%s\n", names->item[i]);
	return rc;
}

/* One more line of words: dracut reads all rd.driver.pre=, and the shell that reads mkinitcpio's
 * config keeps what MODULES was. */
static int words_add(struct buffer *out, const struct strings *names, const char *before,
	char between, const char *after, struct error *e)
{
	struct buffer words = { 0 };
	int rc = 0;

	for (size_t i = 0; i < names->count && !rc; i++) {
		if (has_word(buffer_text(out), names->item[i]))
			continue;
		if (words.len)
			rc = buffer_append(&words, &between, 1, e);
		if (!rc)
			rc = buffer_string(&words, names->item[i], e);
	}
	if (!rc && words.len)
		rc = buffer_format(out, e, "%s%s%s\n", before, buffer_text(&words), after);
	buffer_free(&words);
	return rc;
}

int linux_load_text(const struct linux_initramfs *i, const struct strings *names,
	struct buffer *out, struct error *e)
{
	const struct buffer *old = linux_initramfs_text(i, linux_load_path(i->load));
	int rc = old ? buffer_append(out, old->data, old->len, e) : 0;

	if (!rc && out->len && out->data[out->len - 1] != '\n')
		rc = buffer_string(out, "\n", e);
	if (rc)
		return rc;
	if (i->load == LOAD_CMDLINE)
		return words_add(out, names, "rd.driver.pre=", ',', "", e);
	if (i->load == LOAD_CONFIG)
		return words_add(out, names, "MODULES=\"$MODULES ", ' ', "\"", e);
	return lines_add(out, names, e);
}
