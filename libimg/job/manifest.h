/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_MANIFEST_H
#define LIBIMG_JOB_MANIFEST_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/journal.h"
#include "base/strings.h"

/*
 * What was changed, as JSON:
 * {"schema":1,"targets":[...],"edits":[{"action","volume","path","why","before","after"}],
 * "registry":[{"action","volume","hive","key","value","why","before","after"}]} where before and
 * after are null or {"mode","uid","gid","size","sha256"}; in the registry {"type","data"}, or
 * {"type","hex"} when the data is not what its type promises, or {} for a key, whose "value" is
 * null.  The caller decrefs.
 */
int manifest_json(
	const struct journal *j, const struct strings *targets, json_t **out, struct error *e);

/* The data of a registry value: a number, a text, a list of texts, else hexadecimal digits; null
 * for none.  NULL: no memory. */
json_t *registry_data_json(const struct registry_state *s);

/* Appends the document as it is put into files: indented, ending in a newline. */
int json_text(const json_t *json, struct buffer *out, struct error *e);

#endif
