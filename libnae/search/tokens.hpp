// Tokens: the parts of a value by which it is found. What a pattern needs is among the tokens of
// each value that it matches: a search index may show too much, which the condition itself removes,
// and never too little.
#pragma once

#include <string>
#include <vector>

#include "libnae/search/declaration.hpp"
#include "libnae/search/pattern.hpp"

namespace nae::search {

// In UTF-8, in the order of their bytes, each once: where one stood in the value is not told.
using Tokens = std::vector<std::string>;

Tokens tokens_of_value(const Declaration& declaration, std::string_view value);

// Empty: no token is in all values that the condition lets through, so that all must be looked at.
Tokens tokens_of_condition(const Declaration& declaration, Condition condition,
                           std::string_view text);

// nae.search(): whether each word of the query is one of the value, or, before a *, begins one.
// False of a query without a word.
bool matches_words(std::string_view value, std::string_view query);

}  // namespace nae::search
