// For binaries that are linked statically with -Wl,--wrap=dlopen: SQLite loads
// no extension, which is not asked of it either. Without this the linker warns
// that dlopen would need the C library's files on the machine.

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that --wrap asks for.
extern "C" void* __wrap_dlopen(const char*, int) { return nullptr; }
