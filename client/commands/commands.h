// client/commands/commands.h -- the sub-commands; each is a file of its own that adds itself.
#pragma once

#include "client/commands/program.h"

namespace attentiond::client {

void AddAttendCommand(Program* program);
void AddBenchCommand(Program* program);
void AddCaptionCommand(Program* program);
void AddClassifyCommand(Program* program);
void AddEmbedCommand(Program* program);
void AddEntitiesCommand(Program* program);
void AddExplainCommand(Program* program);
void AddHealthCommand(Program* program);
void AddModelsCommand(Program* program);
void AddRerankCommand(Program* program);
void AddTokenizeCommand(Program* program);
void AddTranslateCommand(Program* program);

}  // namespace attentiond::client
