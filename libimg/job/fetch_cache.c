/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of downloads: names, and one hvimg at a time for each of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cloud/http_url.h"
#include "job/fetch_private.h"

enum { NAME_MAX_LEN = 100, POLL_MS = 100 };

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		strchr("._-+~", c);
}

/* The last part of the path, for people; the end of a long one tells more. */
static void file_name(const char *address, char out[NAME_MAX_LEN + 1])
{
	size_t whole = strcspn(address, "?"), len = 0;

	while (len < whole && len < NAME_MAX_LEN && address[whole - len - 1] != '/')
		len++;
	for (size_t i = 0; i < len; i++) {
		const char c = address[whole - len + i];

		out[i] = (char)(is_plain(c) ? c : '_');
	}
	out[len] = 0;
}

int fetch_names_make(const struct fetch_job *j, struct fetch_names *n, struct error *e)
{
	char digest[DIGEST_HEX_MAX], name[NAME_MAX_LEN + 1];
	struct buffer address = { 0 };
	/* Whoever asks, it is the same that is asked for. */
	int rc = http_url_content(j->url, &address, e);

	if (!rc)
		rc = digest_bytes("sha256", buffer_text(&address), address.len, digest, e);
	if (!rc) {
		file_name(buffer_text(&address), name);
		rc = buffer_format(&n->file, e, "%s/%s-%s", j->cache, digest, name);
	}
	if (!rc)
		rc = buffer_format(&n->note, e, "%s.json", buffer_text(&n->file));
	if (!rc)
		rc = buffer_format(&n->part, e, "%s.part", buffer_text(&n->file));
	if (!rc)
		rc = buffer_format(&n->part_note, e, "%s.part.json", buffer_text(&n->file));
	if (!rc)
		rc = buffer_format(&n->lock, e, "%s.lock", buffer_text(&n->file));
	buffer_free(&address);
	return rc;
}

void fetch_names_free(struct fetch_names *n)
{
	buffer_free(&n->file);
	buffer_free(&n->note);
	buffer_free(&n->part);
	buffer_free(&n->part_note);
	buffer_free(&n->lock);
}

int fetch_folder_make(const char *path, struct error *e)
{
	char *copy = strdup(path), *end = copy;
	int rc = copy ? 0 : error_nomem(e, "a folder's name");

	while (!rc && *end) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		const char kept = *end;

		*end = 0;
		if (mkdir(copy, 0700) && errno != EEXIST)
			rc = error_errno(e, errno, "cannot make the folder %s", copy);
		*end = kept;
	}
	free(copy);
	return rc;
}

/* Who has it wrote down its number. */
static void tell_waiting(const struct fetching *f, int fd)
{
	char holder[24];
	ssize_t len = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[len > 0 ? len : 0] = 0;
	holder[strspn(holder, "0123456789")] = 0;
	fetch_say(f, "waiting for process %s, which has the lock %s",
		*holder ? holder : "(unknown)", buffer_text(&f->names.lock));
}

static int lock_wait(const struct fetching *f, int fd, struct error *e)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000 };
	bool told = false;
	int rc = 0;

	while (!rc && flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(e, errno, "cannot lock %s", buffer_text(&f->names.lock));
		if (!told)
			tell_waiting(f, fd);
		told = true;
		nanosleep(&poll, NULL);
		rc = fetch_progress(f, 0, 0, e);
	}
	return rc;
}

int fetch_lock(struct fetching *f, struct error *e)
{
	const char *path = buffer_text(&f->names.lock);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return error_errno(e, errno, "cannot open %s", path);
	rc = lock_wait(f, fd, e);
	if (rc) {
		close(fd);
		return rc;
	}
	/* Only for those who wait. */
	if (!ftruncate(fd, 0))
		dprintf(fd, "%ld\n", (long)getpid());
	f->out->lock = fd;
	f->out->locked = true;
	return 0;
}

void fetched_unlock(struct fetched *f)
{
	if (f->locked)
		close(f->lock);
	f->locked = false;
}

void fetched_free(struct fetched *f)
{
	fetched_unlock(f);
	buffer_free(&f->path);
}
