/** The command's first line: hands the process's arguments to the program. */
console.log('annulus');
