// Which actions a key server does.
#pragma once

#include "libnae/base/action.hpp"

namespace nae {

// The others have a name and a number, so that neither gets another meaning, and nobody can be
// allowed them: a right that means nothing today would mean something tomorrow, to whoever was
// given it without a thought.
bool is_served(Action action);

}  // namespace nae
