// The words of /settings.

export const T = {
  file: "Configuration file",
  state: "State",
  good: "valid",
  problems: "has mistakes",
  list: "Problems",
  where: "Line",
  key: "Key",
  what: "What is wrong",
  none: "No mistakes",
  noneText: "Keys are changed in the file; trunkline config check says the same as this page.",
  values: "Values in use, secrets left out",
};
