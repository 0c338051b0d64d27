/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_JOURNAL_PRIVATE_H
#define LIBIMG_BASE_JOURNAL_PRIVATE_H

#include "base/journal.h"

/* Of what was there before, or not, and is there now, or not. */
enum edit_action edit_action_of(bool before, bool after);
void journal_registry_free(struct journal *j);

#endif
