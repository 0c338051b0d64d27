/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_user.h"

static int includes(struct guest_image *g, bool *answer, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, "/etc/sudoers", &text, &exists, e);

	*answer = !rc && (strstr(buffer_text(&text), "includedir /etc/sudoers.d") != NULL);
	buffer_free(&text);
	return rc;
}

/* sudo ignores a file whose name has a dot, or that others may write. */
int linux_sudo_allow(const struct edit_work *w, struct error *e)
{
	const struct tree_looks looks = { true, true, true, .mode = 0440 };
	const struct tree_put folder = {
		.has_mode = true, .mode = 0750, .mtime = w->mtime, .why = w->why
	};
	struct buffer path = { 0 }, text = { 0 };
	bool included;
	int rc = includes(w->g, &included, e);

	if (!rc && !(included && tree_is(w->g->tree, "/usr/bin/sudo", S_IFREG)))
		rc = error_set(e, ERR_NOTREADY,
			"the guest has no sudo, or one that does not read /etc/sudoers.d");
	if (!rc)
		rc = tree_make_directory(w->g->tree, "/etc/sudoers.d", &folder, e);
	if (!rc)
		rc = buffer_format(&path, e, "/etc/sudoers.d/90-%s", w->edit->name);
	if (!rc)
		rc = buffer_format(&text, e, "%s ALL=(ALL:ALL) NOPASSWD: ALL\n", w->edit->name);
	if (!rc)
		rc = edit_put_as(w, buffer_text(&path), text.data, text.len, &looks, e);
	buffer_free(&path);
	buffer_free(&text);
	return rc;
}
