/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rpm's database in SQLite, opened from a copy in memory. */
#include <sqlite3.h>

#include "guest/linux_package.h"

enum {
	DATABASE_LIMIT = 256 << 20, /* bytes */
	STEPS_MAX = 1000, /* of STEP_SIZE instructions of SQLite's machine */
	STEP_SIZE = 100000,
	HEADER_SIZE = 100, /* https://www.sqlite.org/fileformat.html 1.3 */
	WRITE_VERSION = 18, /* 2: a write-ahead log is used */
	READ_VERSION = 19,
};

/* A made-up schema could have SQLite work for ever. */
static int enough(void *arg)
{
	unsigned *steps = arg;

	return ++*steps > STEPS_MAX;
}

static bool count_rows(sqlite3 *db, uint64_t *count)
{
	sqlite3_stmt *query = NULL;
	unsigned steps = 0;
	bool done = false;

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_progress_handler(db, STEP_SIZE, enough, &steps);
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM Packages", -1, &query, NULL) ==
			SQLITE_OK &&
		sqlite3_step(query) == SQLITE_ROW) {
		sqlite3_int64 rows = sqlite3_column_int64(query, 0);

		done = rows >= 0;
		*count = done ? (uint64_t)rows : 0;
	}
	sqlite3_finalize(query);
	return done;
}

/* A log beside the database may hold what it lacks. */
static bool has_log(struct guest_image *g, const char *path, struct error *e)
{
	struct buffer log = { 0 };
	struct fs_stat st;
	bool found = buffer_format(&log, e, "%s-wal", path) ||
		(!tree_stat(g->tree, buffer_text(&log), TREE_FOLLOW, &st, NULL) && st.size);

	buffer_free(&log);
	return found;
}

static int count_copy(struct guest_image *g, struct buffer *copy, struct error *e)
{
	sqlite3 *db = NULL;

	if (copy->len < HEADER_SIZE)
		return 0;
	/* There is no log in memory. */
	if (copy->data[WRITE_VERSION] == 2 && copy->data[READ_VERSION] == 2)
		copy->data[WRITE_VERSION] = copy->data[READ_VERSION] = 1;
	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		sqlite3_close(db);
		return error_nomem(e, "rpm's database");
	}
	if (sqlite3_deserialize(db, "main", copy->data, (sqlite3_int64)copy->len,
		    (sqlite3_int64)copy->len, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK)
		g->guest.has_package_count = count_rows(db, &g->guest.package_count);
	sqlite3_close(db);
	return 0;
}

int linux_rpm_count(struct guest_image *g, const char *path, struct error *e)
{
	struct buffer copy = { 0 };
	struct error why = { 0 };
	int rc = 0;

	if (has_log(g, path, &why))
		return error_of_host(&why, e);
	if (tree_read(g->tree, path, DATABASE_LIMIT, &copy, &why))
		rc = error_of_host(&why, e);
	else
		rc = count_copy(g, &copy, e);
	buffer_free(&copy);
	return rc;
}
