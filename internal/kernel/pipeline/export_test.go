package pipeline

const ChangesMax = changesMax
