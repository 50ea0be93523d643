// As little as a process can do to say that it is there.
process.send?.('ready')
