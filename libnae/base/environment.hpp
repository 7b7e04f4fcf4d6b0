// What the environment of a program may not ask of the libraries in it. OpenSSL, libcurl and others
// read variables of their own; some of them make a library write down what protects a connection,
// and no configuration of ours shows it.
#pragma once

#include <span>
#include <string_view>

namespace nae {

// Those variables, by name.
std::span<const char* const> leaking_variables();

// Takes them out of this process and of what it starts. First thing in main(), before there are
// threads and before any library reads its own.
void drop_leaking_variables();

// The same for all whose names begin with `prefix`: "PG" is libpq's, which takes from there what a
// connection string does not set, as the address of its host or who may stand behind it.
void drop_variables_of(std::string_view prefix);

}  // namespace nae
