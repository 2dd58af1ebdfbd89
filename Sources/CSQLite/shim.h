#pragma once
#include <sqlite3.h>

// The destructor that tells SQLite to copy what it is given: a cast in a macro, which Swift does not import.
static inline sqlite3_destructor_type muhur_sqlite_transient(void) { return SQLITE_TRANSIENT; }
