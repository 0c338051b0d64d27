/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image's bytes into Glance, directly or by its staging area. */
#include "cloud/glance_private.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_SECONDS = 900 }; /* what a token must still be good for */

int glance_send_begin(
	struct glance *g, const char *id, enum glance_data to, uint64_t size, struct error *e)
{
	struct http_request request = {
		.method = "PUT",
		.content_type = "application/octet-stream",
		.streamed = true,
		.stream_size = size,
	};
	char path[GLANCE_PATH_MAX], header[64];
	int rc = glance_image_path(id, to == GLANCE_STAGE ? "/stage" : "/file", path, e);

	snprintf(header, sizeof(header), "x-openstack-image-size: %llu", (unsigned long long)size);
	request.header = header;
	if (!rc)
		rc = glance_url(g, path, &g->url, e);
	if (!rc)
		rc = keystone_token(g->keystone, TOKEN_SECONDS, &request.token, e);
	if (rc)
		return rc;
	request.url = buffer_text(&g->url);
	http_response_free(&g->sending);
	return http_begin(g->http, &request, &g->sending, e);
}

int glance_send(struct glance *g, const void *bytes, size_t len, bool *answered, struct error *e)
{
	return http_write(g->http, bytes, len, answered, e);
}

int glance_send_end(struct glance *g, bool *again, struct error *e)
{
	int rc = http_end(g->http, e);

	*again = false;
	if (!rc && g->sending.status == 401) {
		rc = keystone_renew(g->keystone, e);
		*again = !rc;
	} else if (!rc && (g->sending.status < 200 || g->sending.status > 299)) {
		rc = cloud_refusal(&g->sending, "Glance: PUT of the image's data",
			g->sending.status == 409 ? ERR_EXISTS : ERR_REFUSED, e);
	}
	http_response_free(&g->sending);
	return rc;
}

int glance_import(struct glance *g, const char *id, struct error *e)
{
	json_t *body = json_pack("{s:{s:s}}", "method", "name", "glance-direct");
	char path[GLANCE_PATH_MAX];
	int rc = glance_image_path(id, "/import", path, e);

	if (!rc)
		rc = body ? glance_ask(g,
				    &(struct question){ .method = "POST",
					    .path = path,
					    .type = "application/json",
					    .body = body },
				    NULL, e)
			  : error_nomem(e, "a request");
	json_decref(body);
	return rc;
}

int glance_task_failure(struct glance *g, const char *id, char **out, struct error *e)
{
	char path[GLANCE_PATH_MAX];
	json_t *page = NULL, *task;
	size_t i;
	int rc = glance_image_path(id, "/tasks", path, e);

	*out = NULL;
	if (!rc)
		rc = glance_ask(g,
			&(struct question){ .method = "GET", .path = path, .safe = true }, &page,
			e);
	json_array_foreach(json_object_get(page, "tasks"), i, task)
	{
		const char *status = json_string_value(json_object_get(task, "status"));
		const char *message = json_string_value(json_object_get(task, "message"));

		if (*out || !status || strcmp(status, "failure") != 0)
			continue;
		*out = strdup(message && *message ? message : "it does not say why");
		if (!*out)
			rc = error_nomem(e, "a task");
	}
	json_decref(page);
	return rc;
}
