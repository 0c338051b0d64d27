/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressors cost more to make than a cluster to compress: as many are kept as threads need. */
#include <stdlib.h>

#include "formats/qcow2_write.h"

struct qcow2_deflater {
	struct qcow2_deflater *next;
	const struct qcow2_engine *engine;
	void *state;
};

struct qcow2_deflaters {
	const struct qcow2_engine *engine;
	pthread_mutex_t lock;
	struct qcow2_deflater *idle; /* under `lock` */
};

int qcow2_deflaters_open(const struct qcow2_plan *p, struct qcow2_deflaters **out, struct error *e)
{
	struct qcow2_deflaters *d = calloc(1, sizeof(*d));

	if (!d)
		return error_nomem(e, "compressors");
	d->engine = qcow2_engine_for(p->compression, p->best);
	pthread_mutex_init(&d->lock, NULL);
	*out = d;
	return 0;
}

void qcow2_deflaters_close(struct qcow2_deflaters *d)
{
	if (!d)
		return;
	while (d->idle) {
		struct qcow2_deflater *f = d->idle;

		d->idle = f->next;
		f->engine->close(f->state);
		free(f);
	}
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static int deflater_open(
	const struct qcow2_engine *engine, struct qcow2_deflater **out, struct error *e)
{
	struct qcow2_deflater *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return error_nomem(e, "a compressor");
	f->engine = engine;
	rc = engine->open(&f->state, e);
	if (rc) {
		free(f);
		return rc;
	}
	*out = f;
	return 0;
}

int qcow2_deflater_take(struct qcow2_deflaters *d, struct qcow2_deflater **out, struct error *e)
{
	struct qcow2_deflater *f;

	pthread_mutex_lock(&d->lock);
	f = d->idle;
	if (f)
		d->idle = f->next;
	pthread_mutex_unlock(&d->lock);
	if (!f)
		return deflater_open(d->engine, out, e);
	*out = f;
	return 0;
}

void qcow2_deflater_give(struct qcow2_deflaters *d, struct qcow2_deflater *f)
{
	pthread_mutex_lock(&d->lock);
	f->next = d->idle;
	d->idle = f;
	pthread_mutex_unlock(&d->lock);
}

int qcow2_deflate(struct qcow2_deflater *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *made, struct error *e)
{
	return f->engine->run(f->state, in, len, out, room, made, e);
}
