/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operations --seal means, and what they do to a guest that does not help. */
#include "linux_sample.h"

static int chosen(const char *words, struct strings *out, struct error *e)
{
	struct strings list = { 0 };
	int rc = strings_split(&list, words, ",", e);

	*out = (struct strings){ 0 };
	if (!rc)
		rc = guest_seal_select(&list, out, e);
	strings_free(&list);
	return rc;
}

static void test_selection(void **state)
{
	struct strings s;
	struct error e = { 0 };
	size_t defaults;

	(void)state;
	assert_int_equal(chosen("", &s, &e), 0);
	assert_int_equal(s.count, 0);
	assert_int_equal(chosen("defaults", &s, &e), 0);
	defaults = s.count;
	assert_true(strings_have(&s, "machine-id") && strings_have(&s, "logfiles"));
	assert_false(strings_have(&s, "ssh-userdir") || strings_have(&s, "lvm-uuids") ||
		strings_have(&s, "firewall-rules"));
	strings_free(&s);
	assert_int_equal(chosen("logfiles,machine-id,logfiles", &s, &e), 0);
	assert_int_equal(s.count, 2);
	strings_free(&s);
	assert_int_equal(chosen("defaults,-machine-id,ssh-userdir,firewall-rules", &s, &e), 0);
	assert_int_equal(s.count, defaults + 1);
	assert_false(strings_have(&s, "machine-id"));
	strings_free(&s);
	assert_int_equal(chosen("all,-defaults", &s, &e), 0);
	assert_true(strings_have(&s, "ssh-userdir") && !strings_have(&s, "logfiles"));
	assert_false(strings_have(&s, "customize"));
	strings_free(&s);
}

static void test_selection_refused(void **state)
{
	static const char *const wrong[] = { "nonsense", "defaults,-nonsense", "customize",
		"lvm-uuids", "fs-uuids", "user-account", "-machine-id", "defaults,-all", "-" };
	struct strings s;
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(chosen(wrong[i], &s, &e), -ERR_USAGE);
		strings_free(&s);
	}
	assert_int_equal(chosen("script", &s, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "programs of the guest"));
	assert_int_equal(chosen("-customize,logfiles", &s, &e), 0);
	assert_int_equal(s.count, 1);
	strings_free(&s);
}

static void seal(struct sample *s, const char *words, int wanted)
{
	const struct target_list none = { 0 };
	struct strings list = { 0 };
	struct error e = { 0 };
	int rc;

	assert_int_equal(strings_split(&list, words, ",", &e), 0);
	rc = guest_image_apply(
		s->g, &(struct guest_changes){ .targets = &none, .seal = &list }, &e);
	if (rc != wanted)
		fail_msg("%d: %s", rc, e.text);
	strings_free(&list);
}

static const struct edit *edit_of(const struct sample *s, const char *path)
{
	for (size_t i = 0; i < s->journal.count; i++)
		if (!strcmp(s->journal.edit[i].path, path))
			return &s->journal.edit[i];
	return NULL;
}

static void expect_edit(const struct sample *s, const char *path, enum edit_action action)
{
	const struct edit *edit = edit_of(s, path);

	if (!edit)
		fail_msg("%s was left alone", path);
	assert_string_equal(edit_action_name(edit->action), edit_action_name(action));
}

/* Links, sockets and names without a meaning are taken as what they are. */
#define PLANTED                                                                                    \
	"MUTATE='mkdir -p $T/var/log/journal/m $T/tmp/a/b/c $T/srv/keep $T/var/tmp/lost+found "    \
	"$T/var/lib/cloud/instances/i $T/var/lib/cloud/seed $T/var/lib/dbus; "                     \
	"echo 0123 >$T/etc/machine-id; ln -s /etc/machine-id $T/var/lib/dbus/machine-id; "         \
	"ln -s /srv $T/tmp/away; ln -s /srv $T/var/log/journal/away; touch $T/srv/keep/x; "        \
	"ln -s loop $T/tmp/loop; mkfifo $T/tmp/a/fifo; ln $T/etc/fstab $T/tmp/a/hard; "            \
	"echo x >$T/tmp/a/b/c/file; echo x >\"$T/tmp/a/* ?\"; "                                    \
	"mkdir -p $T/mnt/abrt/d; touch $T/mnt/abrt/d/core; "                                       \
	"mkdir $T/var/spool; ln -s ../../../../../../mnt/abrt $T/var/spool/abrt; "                 \
	"touch $T/var/lib/cloud/instances/i/done $T/var/lib/cloud/seed/user-data' "

static void test_sealed(void **state)
{
	struct sample s;
	struct error e = { 0 };

	(void)state;
	sample_make(&s, PLANTED);
	sample_open(&s, true);
	seal(&s, "defaults", 0);
	expect_edit(&s, "/etc/machine-id", EDIT_REPLACE);
	assert_int_equal(edit_of(&s, "/etc/machine-id")->after.size, 0);
	assert_string_equal(edit_of(&s, "/etc/machine-id")->why, "sealed: machine-id");
	expect_edit(&s, "/tmp/a/b/c/file", EDIT_REMOVE);
	expect_edit(&s, "/tmp/a/b", EDIT_REMOVE);
	expect_edit(&s, "/tmp/a/* ?", EDIT_REMOVE);
	expect_edit(&s, "/tmp/a/fifo", EDIT_REMOVE);
	expect_edit(&s, "/tmp/a/hard", EDIT_REMOVE);
	expect_edit(&s, "/tmp/away", EDIT_REMOVE);
	expect_edit(&s, "/tmp/loop", EDIT_REMOVE);
	expect_edit(&s, "/var/log/journal/away", EDIT_REMOVE);
	expect_edit(&s, "/var/lib/cloud/instances/i/done", EDIT_REMOVE);
	/* A link on the way stays in the guest. */
	expect_edit(&s, "/mnt/abrt/d/core", EDIT_REMOVE);
	assert_null(edit_of(&s, "/srv/keep/x"));
	assert_null(edit_of(&s, "/var/lib/cloud/seed/user-data"));
	assert_null(edit_of(&s, "/var/tmp/lost+found"));
	assert_null(edit_of(&s, "/var/lib/dbus/machine-id"));
	/* No target, so nothing that one would need. */
	assert_null(edit_of(&s, "/etc/fstab"));
	sample_save(&s);

	sample_open(&s, true);
	seal(&s, "defaults", 0);
	assert_int_equal(guest_image_sync(s.g, &e), 0);
	assert_int_equal(s.journal.count, 0);
	assert_int_equal(overlay_used(s.overlay), 0);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_only_what_was_named(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s, PLANTED);
	sample_open(&s, true);
	seal(&s, "machine-id,flag-reconfiguration", 0);
	assert_int_equal(s.journal.count, 2);
	expect_edit(&s, "/.unconfigured", EDIT_CREATE);
	sample_shut(&s);
	sample_open(&s, false);
	seal(&s, "machine-id", -ERR_USAGE);
	sample_shut(&s);
	sample_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_selection_refused),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_only_what_was_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
