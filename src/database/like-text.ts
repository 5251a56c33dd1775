/** Text that stands for itself in a LIKE pattern with ESCAPE '!'. */
export const likeText = (text: string): string => text.replace(/[!%_]/g, '!$&');
