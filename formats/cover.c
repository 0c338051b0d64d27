/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "formats/cover.h"

#include <stdlib.h>

static int edges_reserve(struct cover *r, size_t more, struct error *e)
{
	size_t capacity = r->capacity ? r->capacity * 2 : 16;
	struct cover_edge *edge;

	if (r->count + more <= r->capacity)
		return 0;
	edge = reallocarray(r->edge, capacity, sizeof(*edge));
	if (!edge)
		return error_nomem(e, "a list of ranges");
	r->edge = edge;
	r->capacity = capacity;
	return 0;
}

int cover_add(struct cover *r, uint64_t off, uint64_t len, struct error *e)
{
	int rc = len ? edges_reserve(r, 2, e) : 0;

	if (rc || !len)
		return rc;
	r->edge[r->count++] = (struct cover_edge){ .at = off, .step = 1 };
	r->edge[r->count++] = (struct cover_edge){ .at = off + len, .step = -1 };
	return 0;
}

static int edge_order(const void *a, const void *b)
{
	const struct cover_edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void cover_sort(struct cover *r)
{
	if (r->count)
		qsort(r->edge, r->count, sizeof(*r->edge), edge_order);
}

bool cover_next(const struct cover *r, struct cover_piece *p)
{
	int64_t weight = p->weight;

	while (p->next < r->count) {
		p->off = r->edge[p->next].at;
		while (p->next < r->count && r->edge[p->next].at == p->off)
			weight += r->edge[p->next++].step;
		if (!weight || p->next == r->count)
			continue;
		p->end = r->edge[p->next].at;
		p->weight = (uint32_t)weight;
		return true;
	}
	return false;
}

void cover_free(struct cover *r)
{
	free(r->edge);
	*r = (struct cover){ 0 };
}
