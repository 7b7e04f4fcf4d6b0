// Boost.JSON is compiled into the one library of this folder that uses it.
#include <boost/json/src.hpp>
