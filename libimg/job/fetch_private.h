/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_FETCH_PRIVATE_H
#define LIBIMG_JOB_FETCH_PRIVATE_H

#include "cloud/http.h"
#include "job/fetch.h"

/* Where things lie in the cache: all begin with the digest of the address. */
struct fetch_names {
	struct buffer file, note; /* what is complete, and what is known of it */
	struct buffer part, part_note; /* what is on its way */
	struct buffer lock;
};

int fetch_names_make(const struct fetch_job *j, struct fetch_names *n, struct error *e);
void fetch_names_free(struct fetch_names *n);
/* The folder, with those above it. */
int fetch_folder_make(const char *path, struct error *e);

/* What is known of a file; all zero: nothing. */
struct fetch_note {
	char *etag, *modified; /* headers of the answer; NULL: not there */
	char *validator; /* which of them tells that two parts are of one file; NULL: none */
	uint64_t total; /* bytes; 0: not known */
	char *sha256; /* of a complete file */
	char *boot; /* of a part: the host's start that it was written in */
};

/* Of the answer that a download begins with. */
int fetch_note_take(
	struct fetch_note *n, const struct http_response *head, uint64_t total, struct error *e);
/* One that is missing or makes no sense is empty. */
int fetch_note_read(const char *path, struct fetch_note *out, struct error *e);
int fetch_note_write(
	const char *path, const char *address, const struct fetch_note *n, struct error *e);
void fetch_note_free(struct fetch_note *n);
/* Whether the host was started again since: what had not reached the disk may be zeros. */
bool fetch_note_outlived(const struct fetch_note *n);

/* The file on its way, and the digests of what is there. */
struct fetch_part {
	const char *path;
	bool opened;
	int fd;
	uint64_t have;
	struct digest *sha256, *pinned; /* pinned: sha512, if that is what is wanted */
};

struct fetching {
	const struct fetch_job *job;
	struct buffer shown; /* the address for people */
	struct fetch_names names;
	struct fetch_note cached, note; /* of the file, of the part */
	struct fetch_part part;
	bool continued; /* the part was not made in one piece */
	bool repeated; /* so it was thrown away, once */
	bool usable; /* the file is there, sound, and `cached` tells which it is */
	struct fetched *out;
};

/* ERR_CANCELLED when the user has had enough. */
int fetch_progress(const struct fetching *f, uint64_t done, uint64_t total, struct error *e);
void fetch_say(const struct fetching *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Waits for whoever has the lock. */
int fetch_lock(struct fetching *f, struct error *e);

int fetch_part_open(struct fetching *f, struct error *e);
/* Cuts off what is after `keep`, and computes the digests of what is left. */
int fetch_part_resume(struct fetching *f, uint64_t keep, struct error *e);
int fetch_part_restart(struct fetching *f, struct error *e);
int fetch_part_append(struct fetching *f, const void *bytes, size_t len, struct error *e);
/* Whether there is room for `total` bytes in all. */
int fetch_part_room(const struct fetching *f, uint64_t total, struct error *e);
/* The digests of the whole; they are spent then.  `pinned`: the one that was asked for. */
void fetch_part_digests(
	struct fetching *f, char sha256[DIGEST_HEX_MAX], char pinned[DIGEST_HEX_MAX]);
void fetch_part_close(struct fetch_part *p);
/* Digests of a file of the cache; *there is false, and nothing is read, when it is missing. */
int fetch_file_digests(const struct fetching *f, const char *path, bool *there,
	char sha256[DIGEST_HEX_MAX], char pinned[DIGEST_HEX_MAX], struct error *e);

enum fetch_ending {
	FETCH_FAILED,
	FETCH_WHOLE,
	FETCH_CURRENT, /* what is in the cache is what the server has */
	FETCH_MISFIT, /* the answer does not go on where the part ends */
	FETCH_LATER, /* another try may bring more */
};

struct fetch_request {
	struct fetching *f;
	struct http *h;
	uint64_t offset; /* of the first byte asked for; 0: all is */
	bool misfit;
	struct http_response answer; /* to be freed */
};

/* Why not, when it is not FETCH_WHOLE or FETCH_CURRENT, is in `e`, which may not be NULL.
 * *answered: whether somebody was there; kept over the requests. */
enum fetch_ending fetch_request_run(struct fetch_request *r, bool *answered, struct error *e);
/* A whole number, and what follows it; NULL: there is none. */
const char *fetch_number_read(const char *text, uint64_t *out);

/* Completes the part; *current tells instead that the file is what the server has. */
int fetch_transfer(struct fetching *f, bool *current, struct error *e);

#endif
