// For binaries that are linked statically with -Wl,--wrap=getaddrinfo and
// -Wl,--wrap=freeaddrinfo: names of hosts are not looked up, so that `serve
// --host` takes addresses and localhost only. Without this the linker warns
// that getaddrinfo would need the C library's files on the machine.

#include <netdb.h>

// NOLINTBEGIN(bugprone-reserved-identifier): the names that --wrap asks for.
extern "C" int __wrap_getaddrinfo(const char*, const char*, const addrinfo*,
                                  addrinfo**) {
  return EAI_NONAME;
}

extern "C" void __wrap_freeaddrinfo(addrinfo*) {}
// NOLINTEND(bugprone-reserved-identifier)
