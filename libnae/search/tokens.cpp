#include "libnae/search/tokens.hpp"

#include <algorithm>

#include "libnae/search/fold.hpp"

namespace nae::search {
namespace {

constexpr std::size_t kLastDigits = 4;

// Calls take(folded code point, or kAnything) for all of a pattern.
template <class Take>
void each_folded(const Pattern& pattern, Take take) {
  char32_t folded[kMaxFolded];
  for (const char32_t point : pattern) {
    if (point == kAnything) {
      take(kAnything);
      continue;
    }
    const int count = fold(point, folded);
    for (int i = 0; i < count; ++i) take(folded[i]);
  }
}

// The first letters of words. A word that may go on either way, or that may begin further to the
// left, is not known.
class FirstLetters {
 public:
  FirstLetters(unsigned letters, Tokens& tokens) : letters_(letters), tokens_(tokens) {}

  void take(char32_t folded) {
    if (folded == kAnything)
      end_at_anything();
    else if (is_letter(folded))
      add(folded);
    else
      end();
  }
  // The text ends, or something that is no letter stands here.
  void end() {
    if (is_begun_here_ && count_ > 0) tokens_.push_back(word_);
    begin(true);
  }

 private:
  void add(char32_t letter) {
    if (count_++ < letters_) append_utf8(letter, word_);
  }
  void end_at_anything() {
    if (is_begun_here_ && count_ >= letters_) tokens_.push_back(word_);
    begin(false);
  }
  void begin(bool here) {
    is_begun_here_ = here;
    count_ = 0;
    word_.clear();
  }

  unsigned letters_;
  Tokens& tokens_;
  std::string word_;
  unsigned count_ = 0;
  bool is_begun_here_ = true;
};

// What is known to stand at the end of the text; `all`: nothing is before it.
std::u32string known_end(const Pattern& pattern, bool& all) {
  std::u32string end;
  all = true;
  each_folded(pattern, [&](char32_t folded) {
    if (folded == kAnything) {
      all = false;
      end.clear();
      return;
    }
    end.push_back(folded);
  });
  return end;
}

std::string as_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t point : text) append_utf8(point, bytes);
  return bytes;
}

void add_domain(std::u32string_view end, Tokens& tokens) {
  const std::size_t at = end.rfind(U'@');
  if (at == std::u32string_view::npos || at + 1 == end.size()) return;
  tokens.push_back(as_utf8(end.substr(at + 1)));
}

void add_last_digits(std::u32string_view end, bool all, Tokens& tokens) {
  std::string digits;
  for (const char32_t point : end)
    if (point >= U'0' && point <= U'9') digits.push_back(static_cast<char>(point));
  if (digits.size() > kLastDigits) digits.erase(0, digits.size() - kLastDigits);
  if (digits.empty() || (digits.size() < kLastDigits && !all)) return;
  tokens.push_back(digits);
}

Tokens tokens_of(const Declaration& declaration, const Pattern& pattern) {
  Tokens tokens;
  if (declaration.kind == Kind::word) {
    FirstLetters words(declaration.letters, tokens);
    each_folded(pattern, [&](char32_t folded) { words.take(folded); });
    words.end();
  } else {
    bool all = false;
    const std::u32string end = known_end(pattern, all);
    if (declaration.kind == Kind::domain)
      add_domain(end, tokens);
    else if (declaration.kind == Kind::last4)
      add_last_digits(end, all, tokens);
    else if (declaration.kind == Kind::whole && all)
      tokens.push_back(as_utf8(end));
  }
  std::ranges::sort(tokens);
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

struct Word {
  std::u32string letters;
  bool is_beginning = false;
};

std::vector<Word> words_of(const Pattern& pattern) {
  std::vector<Word> words;
  bool goes_on = false;
  each_folded(pattern, [&](char32_t folded) {
    const bool is_known_letter = folded != kAnything && is_letter(folded);
    if (folded == kAnything && goes_on) words.back().is_beginning = true;
    if (is_known_letter && !goes_on) words.emplace_back();
    if (is_known_letter) words.back().letters.push_back(folded);
    goes_on = is_known_letter;
  });
  return words;
}

bool has_word(const std::vector<Word>& words, const Word& wanted) {
  return std::ranges::any_of(words, [&](const Word& word) {
    return wanted.is_beginning ? word.letters.starts_with(wanted.letters)
                               : word.letters == wanted.letters;
  });
}

// Of a query: each of its words begins where it begins, whatever stands before it in the query.
Tokens tokens_of_words(const Declaration& declaration, const Pattern& pattern) {
  Tokens tokens;
  if (declaration.kind != Kind::word) return tokens;
  for (const Word& word : words_of(pattern)) {
    if (word.is_beginning && word.letters.size() < declaration.letters) continue;
    tokens.push_back(as_utf8(std::u32string_view(word.letters).substr(0, declaration.letters)));
  }
  std::ranges::sort(tokens);
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

}  // namespace

Tokens tokens_of_value(const Declaration& declaration, std::string_view value) {
  return tokens_of_condition(declaration, Condition::equal, value);
}

Tokens tokens_of_condition(const Declaration& declaration, Condition condition,
                           std::string_view text) {
  Pattern pattern;
  if (!read_pattern(condition, text, pattern)) return {};
  return condition == Condition::words ? tokens_of_words(declaration, pattern)
                                       : tokens_of(declaration, pattern);
}

bool matches_words(std::string_view value, std::string_view query) {
  Pattern pattern;
  read_pattern(Condition::words, query, pattern);
  const std::vector<Word> wanted = words_of(pattern);
  read_pattern(Condition::equal, value, pattern);
  const std::vector<Word> words = words_of(pattern);
  return !wanted.empty() &&
         std::ranges::all_of(wanted, [&](const Word& word) { return has_word(words, word); });
}

}  // namespace nae::search
