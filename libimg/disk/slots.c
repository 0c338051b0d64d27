/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"

int slots_open(struct slots *s, const char *folder, uint64_t memory_limit, struct error *e)
{
	*s = (struct slots){ .file = -1 };
	s->memory_slots = (uint32_t)min_u64(memory_limit / SLOT_SIZE, SLOTS_MAX / 2);
	s->memory = calloc(s->memory_slots ? s->memory_slots : 1, sizeof(*s->memory));
	s->folder = strdup(folder);
	if (s->memory && s->folder)
		return 0;
	slots_close(s);
	return error_nomem(e, "an overlay");
}

static int spill_open(struct slots *s, struct error *e)
{
	char name[4096];

	if (s->file >= 0)
		return 0;
	s->file = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->file >= 0)
		return 0;
	if ((size_t)snprintf(name, sizeof(name), "%s/.hvimg-overlay-XXXXXX", s->folder) >=
		sizeof(name))
		return error_set(e, ERR_RANGE, "name of the temporary folder is too long");
	s->file = mkostemp(name, O_CLOEXEC);
	if (s->file < 0)
		return error_errno(e, errno, "cannot make a scratch file in %s", s->folder);
	unlink(name);
	return 0;
}

static off_t spill_off(const struct slots *s, uint32_t slot)
{
	return (off_t)(slot - s->memory_slots) * SLOT_SIZE;
}

int slots_read(
	const struct slots *s, uint32_t slot, size_t at, void *buf, size_t len, struct error *e)
{
	ssize_t n;

	if (slot < s->memory_slots) {
		memcpy(buf, s->memory[slot] + at, len);
		return 0;
	}
	do
		n = pread(s->file, buf, len, spill_off(s, slot) + (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	return error_errno(e, n < 0 ? errno : EIO, "cannot read the scratch file in %s", s->folder);
}

int slots_write(struct slots *s, uint32_t slot, const void *block, struct error *e)
{
	ssize_t n;

	if (slot < s->memory_slots) {
		memcpy(s->memory[slot], block, SLOT_SIZE);
		return 0;
	}
	do
		n = pwrite(s->file, block, SLOT_SIZE, spill_off(s, slot));
	while (n < 0 && errno == EINTR);
	if (n == SLOT_SIZE)
		return 0;
	return error_errno(
		e, n < 0 ? errno : ENOSPC, "cannot write the scratch file in %s", s->folder);
}

int slots_take(struct slots *s, uint32_t *out, struct error *e)
{
	uint32_t slot = s->used;

	if (slot == SLOTS_MAX - 1)
		return error_set(e, ERR_RANGE, "the overlay holds %u changed blocks already", slot);
	if (slot < s->memory_slots) {
		s->memory[slot] = malloc(SLOT_SIZE);
		if (!s->memory[slot])
			return error_nomem(e, "a changed block");
	} else {
		int rc = spill_open(s, e);

		if (rc)
			return rc;
	}
	s->used++;
	*out = slot;
	return 0;
}

void slots_close(struct slots *s)
{
	for (uint32_t i = 0; i < s->used && i < s->memory_slots; i++)
		free(s->memory[i]);
	free(s->memory);
	free(s->folder);
	if (s->file >= 0)
		close(s->file);
	*s = (struct slots){ .file = -1 };
}
