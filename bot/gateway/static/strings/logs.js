// The words of /logs.

export const T = {
  where: "The log is kept on the gateway's machine, in the file logs/trunkline.jsonl of its state directory. To follow it in a terminal:",
  command: "trunkline logs -f",
  version: "Version",
  started: "Running since",
  ready: "Everything up",
  waiting: "Waiting",
  now: "What runs now",
};
