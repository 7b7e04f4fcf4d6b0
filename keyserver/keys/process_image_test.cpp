#include "keyserver/keys/process_image.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nae::keys {
namespace {

// The child's answer, by its status.
template <class Answer>
int in_a_child(Answer answer) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(answer());
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ProcessImage, IsTheSameUntilSomethingHappens) {
  ProcessImage image;
  const auto before = image.generation();
  EXPECT_EQ(image.generation(), before);
  image.changed();
  EXPECT_NE(image.generation(), before);
}

TEST(ProcessImage, IsAnotherInAChildAndInTheChildsChild) {
  ProcessImage image;
  const auto before = image.generation();
  EXPECT_EQ(in_a_child([&] {
              const auto here = image.generation();
              if (here == before || image.generation() != here) return 1;
              return in_a_child([&] { return image.generation() == here ? 2 : 0; });
            }),
            0);
  EXPECT_EQ(image.generation(), before) << "the parent goes on";
}

}  // namespace
}  // namespace nae::keys
