/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16, PATH_LONGEST = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 };

/* Opens the folder of `path` and copies the name in it. */
static int folder_open(const char *path, struct unix_socket *s, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_LONGEST + 2] = ".";

	if (strlen(path) > PATH_LONGEST)
		return error_set(e, ERR_RANGE, "the path has %zu bytes; a socket's has at most %d",
			strlen(path), (int)PATH_LONGEST);
	if (!*name)
		return error_set(e, ERR_USAGE, "names a folder, not a socket");
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
	s->name = strdup(name);
	if (!s->name)
		return error_nomem(e, "a file name");
	s->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->folder < 0 ? error_errno(e, errno, "cannot open its folder") : 0;
}

/* Binds and listens under a name that nobody waits for. */
static int listen_hidden(struct unix_socket *s, const char *hidden, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", s->folder,
		hidden);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Linux gives the name the mode of the socket, so there is no moment with another one. */
	if (s->fd < 0 || fchmod(s->fd, 0600))
		return error_errno(e, errno, "cannot make a socket");
	if (bind(s->fd, (const struct sockaddr *)&address, sizeof(address)))
		return error_errno(e, errno, "cannot make a socket in its folder");
	if (listen(s->fd, BACKLOG) || fstatat(s->folder, hidden, &st, AT_SYMLINK_NOFOLLOW)) {
		unlinkat(s->folder, hidden, 0);
		return error_errno(e, errno, "cannot listen");
	}
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

static bool is_socket(const struct unix_socket *s)
{
	struct stat st;

	return !fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) && S_ISSOCK(st.st_mode);
}

/* Moves the hidden name to where it is waited for. */
static int show(struct unix_socket *s, const char *hidden, bool replace, struct error *e)
{
	int rc = 0;

	if (replace && is_socket(s)) {
		if (!renameat(s->folder, hidden, s->folder, s->name))
			return 0;
		rc = error_errno(e, errno, "cannot replace the socket");
	} else if (linkat(s->folder, hidden, s->folder, s->name, 0)) {
		rc = errno != EEXIST ? error_errno(e, errno, "cannot make it")
			: is_socket(s)
			? error_set(e, ERR_EXISTS, "a socket is there already; --force replaces it")
			: error_set(e, ERR_EXISTS, "is there already, and is no socket");
	}
	unlinkat(s->folder, hidden, 0);
	return rc;
}

int unix_socket_open(const char *path, bool replace, struct unix_socket *out, struct error *e)
{
	struct unix_socket s = { .fd = -1, .folder = -1 };
	char hidden[32];
	uint64_t random;
	int rc = folder_open(path, &s, e);

	if (!rc && getrandom(&random, sizeof(random), 0) != sizeof(random))
		rc = error_errno(e, errno, "no random number");
	if (!rc) {
		snprintf(hidden, sizeof(hidden), ".hvimg-%016llx", (unsigned long long)random);
		rc = listen_hidden(&s, hidden, e);
	}
	if (!rc)
		rc = show(&s, hidden, replace, e);
	if (rc) {
		s.inode = 0;
		unix_socket_close(&s);
		return error_prefix(e, "%s", path);
	}
	*out = s;
	return 0;
}

void unix_socket_close(struct unix_socket *s)
{
	struct stat st;

	if (s->inode && !fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) &&
		st.st_dev == s->device && st.st_ino == s->inode)
		unlinkat(s->folder, s->name, 0);
	if (s->fd >= 0)
		close(s->fd);
	if (s->folder >= 0)
		close(s->folder);
	free(s->name);
	*s = (struct unix_socket){ .fd = -1, .folder = -1 };
}
