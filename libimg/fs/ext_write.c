/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names in ext directories: put and remove. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/ext.h"

static int check_editable(struct ext *x, uint64_t dir, const char *name, struct error *e)
{
	struct ext2_inode_large inode;
	size_t len = strlen(name);
	int rc;

	if (!x->fs.writable)
		return error_set(
			e, ERR_REFUSED, "the %s file system is open for reading only", x->fs.type);
	if (!len || len > EXT2_NAME_LEN || strchr(name, '/') || !strcmp(name, ".") ||
		!strcmp(name, ".."))
		return error_set(e, ERR_USAGE, "\"%s\" can't be a file's name", name);
	rc = ext_directory(x, dir, &inode, e);
	if (rc)
		return rc;
	if (inode.i_flags & EXT4_ENCRYPT_FL)
		return error_set(e, ERR_REFUSED, "the directory of \"%s\" is encrypted", name);
	if (inode.i_flags & EXT4_CASEFOLD_FL)
		return error_set(e, ERR_REFUSED,
			"the directory of \"%s\" ignores upper and lower case; hvimg does not edit "
			"such ones",
			name);
	return 0;
}

static int type_of(uint32_t mode)
{
	if (S_ISDIR(mode))
		return EXT2_FT_DIR;
	return S_ISLNK(mode) ? EXT2_FT_SYMLINK : EXT2_FT_REG_FILE;
}

struct swap {
	const char *name;
	ext2_ino_t ino;
	int type;
	bool has_type, done;
};

static int swap_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *d, int offset,
	int blocksize, char *buf, void *arg)
{
	struct swap *s = arg;
	size_t len = strlen(s->name);

	(void)dir;
	(void)entry;
	(void)offset;
	(void)blocksize;
	(void)buf;
	if (!d->inode || (size_t)ext2fs_dirent_name_len(d) != len || memcmp(d->name, s->name, len))
		return 0;
	d->inode = s->ino;
	if (s->has_type)
		ext2fs_dirent_set_file_type(d, s->type);
	s->done = true;
	return DIRENT_CHANGED | DIRENT_ABORT;
}

/* Lets the existing name mean another inode; the directory keeps its shape. */
static int name_swap(
	struct ext *x, ext2_ino_t dir, const char *name, ext2_ino_t ino, int type, struct error *e)
{
	struct swap s = { .name = name,
		.ino = ino,
		.type = type,
		.has_type = ext2fs_has_feature_filetype(x->e2->super) };
	errcode_t code = ext2fs_dir_iterate2(x->e2, dir, 0, NULL, swap_entry, &s);

	if (code)
		return ext_error(x, code, e, "changing a directory");
	if (!s.done)
		return error_set(e, ERR_CORRUPT, "\"%s\" went away from directory %u", name, dir);
	return 0;
}

static int name_add(
	struct ext *x, ext2_ino_t dir, const char *name, ext2_ino_t ino, int type, struct error *e)
{
	errcode_t code = ext2fs_link(x->e2, dir, name, ino, type);

	if (code == EXT2_ET_DIR_NO_SPACE) {
		code = ext2fs_expand_dir(x->e2, dir);
		if (!code)
			code = ext2fs_link(x->e2, dir, name, ino, type);
	}
	return code ? ext_error(x, code, e, "adding to a directory") : 0;
}

/* What stands at the name now; *old 0 when nothing does. */
static int look(struct ext *x, uint64_t dir, const char *name, uint64_t *old,
	struct ext2_inode_large *inode, struct error *e)
{
	int rc = ext_lookup(&x->fs, dir, name, old, e);

	if (rc == -ERR_NOTFOUND) {
		*old = 0;
		return 0;
	}
	if (rc)
		return rc;
	if (*old < EXT2_FIRST_INODE(x->e2->super))
		return error_set(
			e, ERR_CORRUPT, "\"%s\" is the reserved inode %" PRIu64, name, *old);
	return ext_inode(x, *old, inode, e);
}

static int check_replaceable(const struct ext2_inode_large *old, const struct fs_put *p,
	const char *name, struct error *e)
{
	if (LINUX_S_ISDIR(old->i_mode) || S_ISDIR(p->mode))
		return error_set(e, ERR_EXISTS, "\"%s\" is there already", name);
	if (!LINUX_S_ISREG(old->i_mode) && !LINUX_S_ISLNK(old->i_mode))
		return error_set(e, ERR_REFUSED, "\"%s\" is neither a file nor a link (mode 0%o)",
			name, old->i_mode);
	return 0;
}

int ext_put(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode = { 0 };
	ext2_ino_t ino = 0;
	uint64_t old = 0;
	int rc = check_editable(x, dir, name, e);

	if (!rc)
		rc = look(x, dir, name, &old, &inode, e);
	if (!rc && old)
		rc = check_replaceable(&inode, p, name, e);
	if (!rc)
		rc = ext_node_create(
			x, (ext2_ino_t)dir, p, inode.i_flags & EXT_KEPT_FLAGS, &ino, e);
	if (rc)
		return rc;
	if (!old)
		return name_add(x, (ext2_ino_t)dir, name, ino, type_of(p->mode), e);
	/* Other names of the same file must see the edit, too. */
	if (inode.i_links_count > 1 && LINUX_S_ISREG(inode.i_mode) && S_ISREG(p->mode)) {
		rc = ext_node_rewrite(x, (ext2_ino_t)old, ino, p, e);
		return rc ? rc : ext_node_unlink(x, ino, e);
	}
	rc = name_swap(x, (ext2_ino_t)dir, name, ino, type_of(p->mode), e);
	return rc ? rc : ext_node_unlink(x, (ext2_ino_t)old, e);
}

static int not_empty(void *arg, const char *name, uint64_t node)
{
	(void)arg;
	(void)name;
	(void)node;
	return 1;
}

static int forget_child(struct ext *x, uint64_t dir, struct error *e)
{
	struct ext2_inode_large parent;
	errcode_t code;
	int rc = ext_inode(x, dir, &parent, e);

	if (rc)
		return rc;
	/* 1 stands for "too many to count". */
	if (parent.i_links_count > 2)
		parent.i_links_count--;
	code = ext2fs_write_inode_full(x->e2, (ext2_ino_t)dir, EXT2_INODE(&parent), sizeof(parent));
	return code ? ext_error(x, code, e, "writing an inode") : 0;
}

int ext_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e)
{
	struct ext *x = ext_of(fs);
	struct ext2_inode_large inode;
	uint64_t old = 0;
	errcode_t code;
	int rc = check_editable(x, dir, name, e);

	if (!rc)
		rc = look(x, dir, name, &old, &inode, e);
	if (!rc && !old)
		rc = error_set(e, ERR_NOTFOUND, "no \"%s\" to remove", name);
	if (!rc && LINUX_S_ISDIR(inode.i_mode)) {
		rc = ext_list(fs, old, not_empty, NULL, e);
		if (rc > 0)
			rc = error_set(e, ERR_REFUSED, "directory \"%s\" is not empty", name);
	}
	if (rc)
		return rc;
	code = ext2fs_unlink(x->e2, (ext2_ino_t)dir, name, 0, 0);
	if (code)
		return ext_error(x, code, e, "removing a name");
	rc = ext_node_unlink(x, (ext2_ino_t)old, e);
	if (!rc && LINUX_S_ISDIR(inode.i_mode))
		rc = forget_child(x, dir, e);
	return rc;
}
