/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/nbd_export.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disk/nbd.h"
#include "disk/unix_socket.h"

enum { RETRY_MS = 100 };

enum connection_state { CONNECTION_FREE, CONNECTION_OPEN, CONNECTION_OVER };

struct connection {
	struct nbd_peer peer;
	struct nbd_export *export;
	enum connection_state state; /* under the export's lock */
	pthread_t thread;
	int fd;
};

struct nbd_export {
	struct disk *disk;
	bool writable, once;
	struct unix_socket socket;
	int wake; /* readable: a connection is over, or it is time to stop */
	int ended;
	pthread_t thread;
	pthread_mutex_t disk_lock;
	pthread_mutex_t lock; /* of the states and of `stopping` */
	bool stopping;
	struct connection connection[NBD_CLIENTS_MAX];
};

static bool fd_receive(struct nbd_peer *p, void *bytes, size_t len)
{
	int fd = ((struct connection *)p)->fd;
	uint8_t *at = bytes;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool fd_send(struct nbd_peer *p, const void *bytes, size_t len)
{
	int fd = ((struct connection *)p)->fd;
	const uint8_t *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void event_raise(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void event_clear(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void *connection_run(void *arg)
{
	struct connection *c = arg;
	struct nbd_export *x = c->export;

	nbd_converse(&c->peer, x->disk, x->writable ? &x->disk_lock : NULL);
	/* The other end sees the end now, not when the thread is joined. */
	shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_lock(&x->lock);
	c->state = CONNECTION_OVER;
	pthread_mutex_unlock(&x->lock);
	event_raise(x->wake);
	return NULL;
}

/* Signals are for the caller's own threads. */
static int thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static enum connection_state state_of(struct connection *c)
{
	enum connection_state state;

	pthread_mutex_lock(&c->export->lock);
	state = c->state;
	pthread_mutex_unlock(&c->export->lock);
	return state;
}

static struct connection *connection_free(struct nbd_export *x)
{
	for (size_t i = 0; i < NBD_CLIENTS_MAX; i++)
		if (state_of(&x->connection[i]) == CONNECTION_FREE)
			return &x->connection[i];
	return NULL;
}

/* Joins the threads that are through; how many connections are left. */
static size_t connections_reap(struct nbd_export *x)
{
	size_t open = 0;

	for (size_t i = 0; i < NBD_CLIENTS_MAX; i++) {
		struct connection *c = &x->connection[i];
		enum connection_state state = state_of(c);

		if (state == CONNECTION_OVER) {
			pthread_join(c->thread, NULL);
			close(c->fd);
			c->state = CONNECTION_FREE;
		}
		open += state == CONNECTION_OPEN;
	}
	return open;
}

/* False when the system has no room for a client now. */
static bool connection_accept(struct nbd_export *x, struct connection *c)
{
	int fd = accept4(x->socket.fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
	c->fd = fd;
	c->state = CONNECTION_OPEN;
	if (!thread_start(&c->thread, connection_run, c))
		return true;
	c->state = CONNECTION_FREE;
	close(fd);
	return false;
}

static bool is_stopping(struct nbd_export *x)
{
	bool stopping;

	pthread_mutex_lock(&x->lock);
	stopping = x->stopping;
	pthread_mutex_unlock(&x->lock);
	return stopping;
}

/* Takes clients in until the export stops. */
static void *listener_run(void *arg)
{
	struct nbd_export *x = arg;
	bool room = true, served = false;

	while (!is_stopping(x)) {
		struct connection *c = room ? connection_free(x) : NULL;
		struct pollfd event[2] = { { .fd = x->wake, .events = POLLIN },
			{ .fd = x->socket.fd, .events = POLLIN } };

		if (poll(event, c ? 2 : 1, room ? -1 : RETRY_MS) < 0)
			continue;
		room = true;
		if (event[0].revents)
			event_clear(x->wake);
		if (event[1].revents) {
			room = connection_accept(x, c);
			served = true;
		}
		/* A client that waits to be taken in is not the last one's end. */
		if (!connections_reap(x) && x->once && served && !event[1].revents)
			break;
	}
	event_raise(x->ended);
	return NULL;
}

static void connections_cut(struct nbd_export *x)
{
	for (size_t i = 0; i < NBD_CLIENTS_MAX; i++) {
		struct connection *c = &x->connection[i];

		if (state_of(c) == CONNECTION_FREE)
			continue;
		shutdown(c->fd, SHUT_RDWR);
		pthread_join(c->thread, NULL);
		close(c->fd);
	}
}

static void export_free(struct nbd_export *x)
{
	if (x->wake >= 0)
		close(x->wake);
	if (x->ended >= 0)
		close(x->ended);
	unix_socket_close(&x->socket);
	pthread_mutex_destroy(&x->disk_lock);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

static int export_open(struct nbd_export *x, const struct nbd_export_options *o, struct error *e)
{
	int rc;

	x->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	x->ended = eventfd(0, EFD_CLOEXEC);
	if (x->wake < 0 || x->ended < 0)
		return error_errno(e, errno, "cannot make an event");
	rc = unix_socket_open(o->socket, o->replace, &x->socket, e);
	if (rc)
		return rc;
	rc = thread_start(&x->thread, listener_run, x);
	return rc ? error_errno(e, rc, "cannot start a thread") : 0;
}

int nbd_export_start(struct disk *d, const struct nbd_export_options *o, struct nbd_export **out,
	struct error *e)
{
	struct nbd_export *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return error_nomem(e, "an export");
	x->disk = d;
	x->writable = o->writable;
	x->once = o->once;
	x->socket.fd = x->socket.folder = -1;
	pthread_mutex_init(&x->disk_lock, NULL);
	pthread_mutex_init(&x->lock, NULL);
	for (size_t i = 0; i < NBD_CLIENTS_MAX; i++) {
		x->connection[i].peer = (struct nbd_peer){ fd_receive, fd_send };
		x->connection[i].export = x;
	}
	rc = export_open(x, o, e);
	if (rc) {
		export_free(x);
		return rc;
	}
	*out = x;
	return 0;
}

int nbd_export_ended(const struct nbd_export *x)
{
	return x->ended;
}

void nbd_export_stop(struct nbd_export *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	pthread_mutex_unlock(&x->lock);
	event_raise(x->wake);
	pthread_join(x->thread, NULL);
	connections_cut(x);
	export_free(x);
}
