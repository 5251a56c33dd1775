const NEVER = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}`;
const INVISIBLE = String.raw`\p{Default_Ignorable_Code_Point}`;
const VISIBLE = String.raw`[^${NEVER}\p{Zs}${INVISIBLE}]`;
/** Joiners, without which Persian, Sinhala or Malayalam names and joined emoji cannot be written, and variation selectors. */
const ATTACHED = String.raw`(?:[\u200c\u200d]|(?!\p{Cf})${INVISIBLE})`;
const WORDS = String.raw`\p{Zs}|${VISIBLE}${ATTACHED}{0,2}`;

/** Text for people: no control or formatting characters, and nothing invisible but what belongs to the character before it. */
export const DISPLAY_TEXT = new RegExp(`^(?:${WORDS})*$`, 'u');
/** As {@link DISPLAY_TEXT}, over several lines. */
export const DISPLAY_LINES = new RegExp(String.raw`^(?:${WORDS}|\r?\n)*$`, 'u');
/** What people sign in by. With characters that nobody sees, two of them would look alike. */
export const IDENTIFIER = new RegExp(String.raw`^[^\p{C}\p{Zl}\p{Zp}${INVISIBLE}]*$`, 'u');

export const displayText = { message: 'may not hold control, formatting or stray invisible characters' };
export const identifier = { message: 'may not hold control, formatting or invisible characters' };
